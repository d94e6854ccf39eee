"""Sorts messages to a help desk: billing, access, delivery or fault.

JSON in, one message or several; JSON out, in their order. The model is trained when this module is loaded, and that
is when the component is built: an instance begins with the trained model in its memory.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import airssys
from bayes import Model

MODEL = Model.trained(Path(__file__).parent / "data" / "messages.tsv")

MOST_TEXTS = 1000
"""Texts of one call: more of them are better sent by several calls, each within its time."""


@dataclass(frozen=True)
class Settings:
    threshold: float = 0.6


class Classifier(airssys.Component):
    def __init__(self, config: dict[str, Any]) -> None:
        self.settings = airssys.settings(Settings, config)
        if not 0 <= self.settings.threshold <= 1:
            raise airssys.InvalidConfig("`threshold` is a probability, from 0 to 1")

    def handle(self, input: airssys.Input, context: airssys.Context) -> dict[str, Any]:
        request = input.json()
        match request:
            case {"text": str(text)}:
                return self.classified(text)
            case {"texts": list(texts)} if all(isinstance(text, str) for text in texts):
                if len(texts) > MOST_TEXTS:
                    raise airssys.InvalidInput(f"{len(texts)} texts are too many: send {MOST_TEXTS} at most")
                return {"results": [self.classified(text) for text in texts]}
        raise airssys.InvalidInput('send {"text": "..."} or {"texts": ["...", ...]}')

    def classified(self, text: str) -> dict[str, Any]:
        scores = MODEL.probabilities(text)
        best = max(scores, key=lambda label: scores[label])
        sure = scores[best] >= self.settings.threshold
        return {
            "label": best if sure else None,
            "probability": round(scores[best], 3),
            "scores": {label: round(score, 3) for label, score in sorted(scores.items())},
        }
