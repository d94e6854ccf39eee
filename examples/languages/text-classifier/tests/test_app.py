import unittest

import airssys
from app import MODEL, Classifier

CONTEXT = airssys.Context()


def classified(request: object, **config: object) -> dict:
    return Classifier(config).handle(airssys.Input.from_json(request), CONTEXT)


class ClassifierTest(unittest.TestCase):
    def test_messages_that_were_not_trained_on_get_their_label(self) -> None:
        for label, text in {
            "billing": "please send the invoice again, I was charged too much",
            "access": "I can't log in, my password is not accepted",
            "delivery": "my parcel has not arrived, where is the courier?",
            "fault": "the app shows an error and crashes",
        }.items():
            with self.subTest(label):
                self.assertEqual(classified({"text": text})["label"], label)

    def test_a_text_of_unknown_words_has_no_label(self) -> None:
        answer = classified({"text": "xyzzy"})
        self.assertIsNone(answer["label"])
        self.assertAlmostEqual(sum(MODEL.probabilities("xyzzy").values()), 1)

    def test_several_texts_are_answered_in_their_order(self) -> None:
        results = classified({"texts": ["refund my payment", "", "the parcel is damaged"]})["results"]
        self.assertEqual([result["label"] for result in results], ["billing", None, "delivery"])

    def test_a_long_text_has_probabilities_still(self) -> None:
        self.assertEqual(classified({"text": "invoice payment " * 10_000})["label"], "billing")

    def test_what_is_no_request_is_the_callers_mistake(self) -> None:
        for request in ({}, [], {"text": 7}, {"texts": ["a", 7]}, {"texts": ["a"] * 1001}):
            with self.subTest(str(request)[:20]), self.assertRaises(airssys.InvalidInput):
                classified(request)

    def test_a_threshold_that_is_no_probability_is_the_operators(self) -> None:
        for threshold in (2, "much", True):
            with self.subTest(threshold), self.assertRaises(airssys.InvalidConfig):
                Classifier({"threshold": threshold})
