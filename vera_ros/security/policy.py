# SPDX-License-Identifier: Apache-2.0
"""Policies as sros2 reads them: XML by its schema, version 0.2.0."""

from xml.etree import ElementTree as ET

from vera_ros.security.grants import Grant

_VERSION = "0.2.0"
# Attribute of Interfaces: element of the list and of its items, and what is allowed.
_ELEMENTS = {
    "publishes": ("topics", "topic", "publish"),
    "subscribes": ("topics", "topic", "subscribe"),
    "serves": ("services", "service", "reply"),
    "calls": ("services", "service", "request"),
    "executes": ("actions", "action", "execute"),
    "requests": ("actions", "action", "call"),
}


def to_xml(grant: Grant) -> str:
    """Return a policy with this one enclave; what it does not name is denied."""
    policy = ET.Element("policy", version=_VERSION)
    enclave = ET.SubElement(ET.SubElement(policy, "enclaves"), "enclave", path=grant.enclave)
    profile = ET.SubElement(
        ET.SubElement(enclave, "profiles"), "profile", ns=grant.namespace, node=grant.name
    )
    for attribute, (several, single, right) in _ELEMENTS.items():
        if names := getattr(grant.names, attribute):
            listed = ET.SubElement(profile, several, {right: "ALLOW"})
            for name in sorted(names):
                ET.SubElement(listed, single).text = name
    ET.indent(policy)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(policy, encoding="unicode")}\n'
