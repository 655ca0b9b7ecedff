"""What is proved on the little study is proved for the demo's: it is asked the same, and differs alike."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.services.little_study import little_destination, little_source
from xnat_tui.demo.faults import Logged
from xnat_tui.demo.study import destination_site, source_site
from xnat_tui.services.comparing.compared import items_of

_IDS = re.compile(r"CENTRAL_[SE]\d+(?:(?:,|%2C)CENTRAL_[SE]\d+)*")


def _question(asked: Logged) -> str:
    """Without the IDs that it is about."""
    return f"{asked.method} {_IDS.sub('ID', asked.path)}?{_IDS.sub('ID', asked.query)}"


@pytest.mark.parametrize("depth", ["labels", "sizes", "digests"])
def test_it_is_asked_and_differs_in_every_way_in_which_the_demos_study_is(
    pair_of: Callable[..., Any], depth: str
) -> None:
    asked, differences = [], []
    for source, destination in ((source_site, destination_site), (little_source, little_destination)):
        sites = pair_of(source(), destination())
        comparison = sites.compare(depth=depth)
        asked.append({_question(one) for one in list(sites.servers["lab"].requests)})
        differences.append({(pair.kind, pair.status, pair.unverified) for pair in items_of(comparison.root)})
    assert len(asked[0]) > 15
    assert asked[0] <= asked[1]
    assert differences[0] <= differences[1]
