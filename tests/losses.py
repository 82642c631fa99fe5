"""The losses that imbench ships, found in its yaml files, and some with other parameters."""

from imbench.strategies.loss.asymmetric import AsymmetricLoss
from imbench.strategies.loss.auc_margin import AUCMarginLoss
from imbench.strategies.loss.bce import BCELoss
from imbench.strategies.loss.cross_entropy import CrossEntropyLoss
from imbench.strategies.loss.equalization import EqualizationLoss
from imbench.strategies.loss.focal import FocalLoss
from imbench.strategies.loss.focal_sigmoid import FocalSigmoidLoss
from imbench.strategies.loss.generalized_ce import GeneralizedCELoss
from imbench.strategies.loss.label_aware_smoothing import LabelAwareSmoothingLoss
from imbench.strategies.loss.ldam import LDAMLoss
from imbench.strategies.loss.poly1 import Poly1Loss
from tests.shipped import shipped

SHIPPED = shipped("loss")
"""By name in ``conf/strategy``."""

OTHERS = [
    CrossEntropyLoss(),
    FocalLoss(0.0),
    FocalLoss(0.5),
    FocalLoss(5.0),
    BCELoss(3.0),
    BCELoss([1.0, 2.0, 0.5, 10.0]),
    FocalSigmoidLoss(0.0),
    FocalSigmoidLoss(0.5, alpha=0.25),
    LDAMLoss(0.0, 1.0),
    AsymmetricLoss(0.0, 0.5, 0.2),
    AsymmetricLoss(0.5, 0.0, 0.0),
    AsymmetricLoss(1.0, 4.0, 1e-9),
    Poly1Loss(-1.0, 0.5),
    LabelAwareSmoothingLoss(rule="convex"),
    EqualizationLoss(1.0, 1.0),
    AUCMarginLoss(0.3),
    GeneralizedCELoss(1.0),
]
"""Parameters at which a formula has another branch or the end of a range."""

LOSSES = [*SHIPPED.values(), *OTHERS]
