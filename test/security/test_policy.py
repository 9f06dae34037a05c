# SPDX-License-Identifier: Apache-2.0
"""Policies as XML: what is granted is in them, and nothing else is."""

from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from vera_ros.bringup.interfaces import Interfaces
from vera_ros.security.grants import Grant
from vera_ros.security.policy import to_xml

# Element of a list, its attribute, and the field of Interfaces.
RIGHTS = {
    ("topics", "publish"): "publishes",
    ("topics", "subscribe"): "subscribes",
    ("services", "reply"): "serves",
    ("services", "request"): "calls",
    ("actions", "execute"): "executes",
    ("actions", "call"): "requests",
}
names = st.frozensets(
    st.sampled_from(
        ["/hold", "/ik_node/hold", "/left/tcp_pose", "/_ros2cli*/get_parameters", "/a/b/c"]
    )
)


def read(text: str) -> tuple[str, str, str, Interfaces]:
    """Enclave, namespace, name and rights, as sros2 reads them."""
    policy = ET.fromstring(text)
    assert (policy.tag, policy.attrib) == ("policy", {"version": "0.2.0"})
    (enclave,) = policy.findall("enclaves/enclave")
    (profile,) = enclave.findall("profiles/profile")
    found: dict[str, frozenset[str]] = {}
    for group in profile:
        ((right, word),) = group.attrib.items()
        assert word == "ALLOW"
        assert {item.tag for item in group} == {group.tag.removesuffix("s")}
        found[RIGHTS[group.tag, right]] = frozenset(item.text or "" for item in group)
    return enclave.attrib["path"], profile.attrib["ns"], profile.attrib["node"], Interfaces(**found)


@given(st.builds(Interfaces, names, names, names, names, names, names))
def test_a_policy_says_exactly_what_is_granted(granted: Interfaces) -> None:
    grant = Grant("/vera_ros/left/ik_node", "ik_node", "/left", granted)
    assert read(to_xml(grant)) == (grant.enclave, grant.namespace, grant.name, grant.names)
