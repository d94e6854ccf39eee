"""Answers that a test gives; nothing is sent."""

from typing import Any, Callable, List

answers: List[Callable[[Any], Any]] = []


def send(request: Any) -> Any:
    from ..http import RequestFailed

    if not answers:
        raise RequestFailed("nothing is sent in a native test: say what comes back by airssys.testing.answer_http")
    return answers[-1](request)
