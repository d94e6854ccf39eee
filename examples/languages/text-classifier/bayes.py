"""Naive Bayes over words and pairs of words, with add-one smoothing."""

import math
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

WORD = re.compile(r"[^\W\d_]+")


@dataclass(frozen=True)
class Model:
    """How often each label was seen, and each feature under it."""

    documents: Counter
    features: dict[str, Counter]
    totals: dict[str, int]
    vocabulary: frozenset

    @classmethod
    def trained(cls, path: Path) -> "Model":
        """A model of a file of lines: a label, a tab, a text."""
        documents: Counter = Counter()
        features: dict[str, Counter] = {}
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
            label, tab, text = line.partition("\t")
            if not tab:
                raise ValueError(f"{path.name}:{number}: a label, a tab and a text are wanted")
            documents[label] += 1
            features.setdefault(label, Counter()).update(features_of(text))
        totals = {label: counted.total() for label, counted in features.items()}
        vocabulary = frozenset(feature for counted in features.values() for feature in counted)
        return cls(documents, features, totals, vocabulary)

    def probabilities(self, text: str) -> dict[str, float]:
        """The probability of each label. What was never seen in training tells nothing, and is left out."""
        known = [feature for feature in features_of(text) if feature in self.vocabulary]
        logs = {label: self._log(label, known) for label in self.documents}
        # Relative to the best, so that a long text's tiny numbers don't all become 0.
        best = max(logs.values())
        weights = {label: math.exp(log - best) for label, log in logs.items()}
        total = sum(weights.values())
        return {label: weight / total for label, weight in weights.items()}

    def _log(self, label: str, features: list[str]) -> float:
        counted, room = self.features[label], self.totals[label] + len(self.vocabulary)
        prior = math.log(self.documents[label] / self.documents.total())
        return prior + sum(math.log((counted[feature] + 1) / room) for feature in features)


def features_of(text: str) -> list[str]:
    """The words of a text, without regard to case, and each two that stand side by side."""
    words = WORD.findall(text.casefold())
    return words + [f"{first} {second}" for first, second in zip(words, words[1:])]
