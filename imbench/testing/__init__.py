"""Contract suites: test classes that tests of your own components inherit.

``StrategyContract`` and ``ModelContract`` fit small cells by the name of a yaml file.
``LossContract``, ``WeightsContract``, ``BatchesContract``, ``AugmentContract``, ``MetricContract``
and ``DatasetContract`` test one object or function. pytest runs the ``test_`` methods of every
subclass whose name starts with ``Test``.
"""
