"""Scores of many directions at once: translate, score, average, write down, draw."""

from mtdeep.evaluation.evaluate import Evaluation, evaluate
from mtdeep.evaluation.matrix import Average, Matrix
from mtdeep.evaluation.scores import BLEU, CHRF, COPY_BLEU, DirectionScore

__all__ = ["BLEU", "CHRF", "COPY_BLEU", "Average", "DirectionScore", "Evaluation", "Matrix", "evaluate"]
