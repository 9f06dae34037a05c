# SPDX-License-Identifier: Apache-2.0
"""The exceptions of vera_ros: every message says what was wrong, what is valid and what to do."""


class VeraRosError(Exception):
    """Base class of every exception that vera_ros raises on purpose."""


class ConfigurationError(VeraRosError):
    """A parameter, file or robot description that cannot be used."""


class ImageError(VeraRosError):
    """A camera message that cannot become an RGB picture."""


class WireError(VeraRosError):
    """Something went wrong between this client and the policy server."""


class ConnectionFailedError(WireError):
    """The server could not be reached, or the connection broke."""


class TlsError(ConnectionFailedError):
    """The address has the wrong scheme, or the server's certificate is not accepted.

    Trying again does not help.
    """


class AccessDeniedError(ConnectionFailedError):
    """The server does not accept this client's token, password or certificate.

    Trying again does not help.
    """


class ServerTimeoutError(WireError):
    """The server did not answer within the time allowed."""


class ProtocolError(WireError):
    """The peer sent something that the protocol does not allow."""


class PolicyServerError(WireError):
    """The server answered with an error text.

    Attributes:
        text: what the server sent, printable; a traceback when its policy failed.
    """

    def __init__(self, message: str, text: str = "") -> None:
        super().__init__(message)
        self.text = text


class ServerStartError(VeraRosError):
    """The policy server could not be brought up, or it ended by itself."""


class MotionError(VeraRosError):
    """A motion that cannot be planned or must not be played."""


class TrajectoryRejectedError(VeraRosError):
    """A trajectory that a controller does not accept."""


class MissingDependencyError(VeraRosError):
    """An optional library or system package that this feature needs is absent."""
