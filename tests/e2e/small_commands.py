"""How each command of README and docs is run small, by which other test, or why by none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Small:
    """A command as a page shows it, and what makes it small.

    Parameters
    ----------
    command : str
    more : str
        Words that are added.
    code : int
        The exit code that it must have.
    says : str
        What it must print.
    makes : str
        The pattern of a file that must be there afterwards, and not before.
    n_lines : int or None
        How many lines it must print.
    instead : tuple of str
        A part of the command and what is run in its place, where no added word makes it small.
    """

    command: str
    more: str = ""
    code: int = 0
    says: str = ""
    makes: str = ""
    n_lines: int | None = None
    instead: tuple[str, str] = ("", "")


FOLDS = "splits.n_splits=2 splits.n_repeats=1 n_jobs=1"
ROWS = f"{FOLDS} dataset.n_rows=150"
SYNTHETIC = f"{ROWS} dataset=synthetic"
EPOCH = "model.estimator.epochs=1"
ROUNDS = "model.estimator.max_iter=5"
LIGHT = "model.estimator.estimator.n_estimators=5"
RACE = f"--strategies threshold --set {FOLDS}"
LOGISTIC = "--models logistic_regression"
IMBENCH = "python -m imbench"
OTHER = "tracking.uri=sqlite:///other/mlflow.db"
TELCO = "telco-customer-churn.csv"
TREES = f"{IMBENCH} -m dataset=synthetic model=decision_tree strategy=none,smote splits.n_repeats=3"
LARGE = (
    f"{IMBENCH} -m dataset=synthetic dataset.n_rows=50000 dataset.n_features=30 dataset.ratio=49"
)
CUSTOMERS = f"{IMBENCH} -m dataset=telco_churn"
CHEAP = (
    "none,random_over,random_under,smotenc,inverse_weights,sqrt_inverse,balanced_bagging,threshold"
)
SIMPLE = CHEAP.replace("smotenc", "smote")
SAMPLERS = (
    "none,random_over,random_under,smote,borderline_smote,adasyn,tomek,smote_tomek,inverse_weights"
    ",threshold"
)

# A page, or a part of one, and its commands in an order in which they can be run in one folder.
STORIES: dict[str, list[Small]] = {
    "from a file to a model": [
        Small(
            f".venv/bin/python -m imbench recommend {TELCO} --target Churn "
            "--goal cost=missed:5,false_alarm:1", f"{LOGISTIC} {RACE}",
            says="On telco-customer-churn with logistic_regression",
            makes="results/recommend/*/index.html",
        ),
        Small(
            ".venv/bin/python -m imbench predict results/recommend/telco-customer-churn/model "
            "new.csv", says="label,p_No,p_Yes", n_lines=61,
        ),
        Small(
            f".venv/bin/python -m imbench -m dataset=table dataset.path={TELCO} "
            "dataset.target=Churn model=hist_gradient_boosting "
            "'strategy=none,random_over,inverse_weights,threshold'", f"{FOLDS} {ROUNDS}",
            says="left out: 'customerID' (identifier)",
        ),
        Small(f"{IMBENCH} check FILE --target COLUMN", says="200 rows"),
        Small(f"{IMBENCH} fit threshold {TELCO} registered=churn",
              says="registered: models:/churn/1", makes="results/models/threshold/MLmodel"),
        Small(f"{IMBENCH} recommend {TELCO} --target Churn registered=churn",
              f"--out . {LOGISTIC} {RACE}",
              says="registered: models:/churn/2", makes="model/manifest.json"),
        Small(f"{IMBENCH} predict model new.csv > answers.csv", says="label,p_No,p_Yes",
              n_lines=61),
        Small(f"{IMBENCH} drift model new.csv --target Churn", says="told"),
        Small(f"{IMBENCH} recommend {TELCO} --target Churn --goal f1 --budget 10m",
              f"--models lightgbm {RACE} {LIGHT}"),
        Small(f"{IMBENCH} fit lightgbm/threshold FILE", says="model: results/models/"),
        Small(f"{IMBENCH} recommend FILE --target COLUMN", f"{LOGISTIC} {RACE}"),
        Small(f"{IMBENCH} recommend customers.csv --target left --goal cost=missed:5,false_alarm:1",
              f"{LOGISTIC} {RACE}", says="On customers with"),
    ],
    "what there is": [
        Small(f"{IMBENCH} strategy=focal dataset=mnist", f"{FOLDS} {EPOCH}"),
        Small(f"{IMBENCH} 'strategy=[smote,focal,threshold]'", f"{SYNTHETIC} {EPOCH}"),
        Small(f"{IMBENCH} -m strategy=none,smote,'[smote,threshold]' model=mlp,svm", SYNTHETIC),
        Small(f"{IMBENCH} -m 'strategy=glob(*)'", f"{SYNTHETIC} model=decision_tree",
              says="one_sided", instead=("glob(*)", "glob(*,exclude=[gan,vae])")),
        Small(f"{IMBENCH} -m strategy=none,smote decision=as_is,threshold",
              f"{SYNTHETIC} model=svm", says="smote+threshold"),
        Small(f"{IMBENCH} experiment=nine_strategies", f"{FOLDS} {EPOCH} dataset=digits",
              says="weighted_sampler+focal+threshold"),
        Small(f"{IMBENCH} list strategies", says="arXiv 1708.02002"),
        Small(f"{IMBENCH} list models", says="lightgbm"),
        Small(f"{IMBENCH} list checks", says="duplicate-rows"),
        Small(f"{IMBENCH} --help", says="recommend FILE --target COLUMN"),
        Small(f"{IMBENCH} doctor"),
        Small(f"{IMBENCH} dataset=mnist model=mlp 'strategy=[smote,focal,threshold]'",
              f"{FOLDS} {EPOCH}"),
    ],
    "stored results": [
        Small(IMBENCH, f"{SYNTHETIC} model=decision_tree"),
        Small(f"{IMBENCH} -m", f"{SYNTHETIC} model=decision_tree strategy=none,random_over"),
        Small(f"{IMBENCH} report", makes="results/report/index.html"),
        Small(f"{IMBENCH} report [RUNS] [--filter key=pattern ...] [--out DIR] "
              "[--set key=value ...]",
              makes="page/index.html"),
        Small(f"{IMBENCH} audit", says="no leak"),
        Small(f"{IMBENCH} audit --fits", says="fits on the whole training part"),
        Small(f"{IMBENCH} verify [RESULTS]"),
        Small(f"{IMBENCH} verify [RESULTS] --repair"),
        Small("imbench verify"),
        Small(f"{IMBENCH} sync", says="2 written, 0 unchanged, 0 refused."),
        Small(f"{IMBENCH} sync results", says="0 written, 2 unchanged, 0 refused."),
        Small(f"{IMBENCH} sync tracking.uri=http://localhost:5000", OTHER, says="2 written"),
        Small(f"{IMBENCH} sync results tracking.uri=http://localhost:5000", OTHER,
              says="0 written"),
    ],
    "docs/data.md and docs/checks.md": [
        Small(f"{IMBENCH} check churn.csv --target Churn", code=1, says="[identifier-column]"),
        Small(f"{IMBENCH} check churn.csv --target Churn 'dataset.drop=[id]' "
              "splits.n_splits=3"),
        Small(f"{IMBENCH} check dataset=digits", says="images of 8 x 8 pixels"),
        Small(f"{IMBENCH} check FILE --target state", code=1, says="[class-in-column]"),
        Small(f"{IMBENCH} dataset=table dataset.path=churn.csv dataset.target=Churn "
              "model=hist_gradient_boosting", f"{FOLDS} {ROUNDS}"),
        Small(f"{IMBENCH} check covid_testing.csv --target result "
              "dataset.groups=subject_id dataset.time=pan_day", code=1, says="[time-mixed]"),
        Small(f"{IMBENCH} check nass_cds.csv --target dead "
              "dataset.weight=weight dataset.test=yearacc splits=official",
              code=2, says="if the 33 rows with "),
        Small(f"{IMBENCH} check nass_cds.csv --target dead dataset.weight=weight "
              "dataset.test=yearacc 'dataset.test_values=[\"2002\"]' splits=official",
              says="test of 'yearacc': 33 rows"),
        Small(f"{IMBENCH} dataset=table dataset.path=train.csv dataset.test=test.csv "
              "dataset.target=y splits=official model=knn", says="test: 40 rows"),
        Small(f"{IMBENCH} dataset=image_folder dataset.path=pictures model=cnn",
              f"{FOLDS} {EPOCH}"),
        Small(f"{CUSTOMERS} model=logistic_regression "
              "strategy=none,threshold,cost_sensitive,cost_matrix "
              "'costs={missed: 20, false_alarm: 1}' metrics.sort=expected_cost", FOLDS,
              says="expected cost"),
        Small(f"{IMBENCH} dataset=telco_churn model=logistic_regression strategy=threshold "
              "strategy.decision.threshold.metric=recall "
              "'strategy.decision.threshold.subject_to={precision: 0.6}'", FOLDS),
    ],
    "docs/scale.md": [
        Small(f"{TREES} executor=array executor.chunks=4",
              "dataset.n_rows=150 executor.out=first.json", makes="first.json"),
        Small(f"{IMBENCH} plan dataset=synthetic model=decision_tree strategy=none,smote,threshold "
              "splits.n_repeats=3 --chunks 4", "dataset.n_rows=150",
              says="3 cells with 45 folds in 4 chunks", makes="plan.json"),
        Small(f"{IMBENCH} work plan.json 0", "results_dir=a"),
        Small(f"SLURM_ARRAY_TASK_ID=1 {IMBENCH} work plan.json", "results_dir=b",
              says="from SLURM_ARRAY_TASK_ID"),
        Small(f"{IMBENCH} report a/runs b/runs", makes="a/report/index.html"),
        Small("cp -r a/runs/. b/runs/"),
        Small(f"JOB_COMPLETION_INDEX=1 {IMBENCH} work plan.json", says="from JOB_COMPLETION_INDEX"),
        Small(f"{IMBENCH} status plan.json", code=1, says="folds done"),
        Small(TREES, "dataset.n_rows=150 n_jobs=1"),
        Small(f"{IMBENCH} report results/runs", makes="results/report/index.html"),
    ],
    "models": [
        Small(f"{IMBENCH} -m dataset=synthetic model=lightgbm strategy=none,inverse_weights "
              "model.estimator.early_stopping=average_precision", ROWS),
        Small(f"{IMBENCH} dataset=synthetic model=hist_gradient_boosting "
              "model.estimator.early_stopping=log_loss", f"{ROWS} {ROUNDS}"),
        Small(f"{IMBENCH} -m dataset=synthetic model=lightgbm "
              "'strategy=none,focal,class_balanced_focal,[effective_number,focal]'",
              f"{ROWS} {LIGHT}"),
        Small(f"{IMBENCH} -m model=mlp +strategy.loss.smooth._target_=torch.nn.CrossEntropyLoss "
              "+strategy.loss.smooth.reduction=none +strategy.loss.smooth.label_smoothing=0.1 "
              "dataset=synthetic", f"{ROWS} {EPOCH}", says="smooth"),
        Small(f"{IMBENCH} dataset=synthetic model=hist_gradient_boosting strategy=smote "
              "neighbors=torch", f"{ROWS} {ROUNDS}"),
        Small(f"{IMBENCH} dataset=synthetic dataset.n_rows=50000 dataset.n_features=30 "
              "model=logistic_regression strategy=enn splits=holdout neighbors.announce_s=1",
              "dataset.n_rows=1500 neighbors.announce_s=0.001", says="exactly, which takes about"),
        Small(f"{IMBENCH} -m dataset=synthetic model=random_forest strategy=none,smote "
              "limits.timeout_s=60 limits.memory_gb=4", f"{ROWS} model.estimator.n_estimators=5"),
        Small(f"{IMBENCH} -m dataset=digits dataset/imbalance=tutorial strategy=none,focal,smote "
              "tuning=optuna splits.n_splits=3",
              f"{FOLDS} {EPOCH} tuning.trials=2 tuning.inner_splits=2"),
        Small(f"{IMBENCH} -m dataset=digits dataset/imbalance=tutorial model=mlp "
              "strategy=none,inverse_weights,random_over", f"{FOLDS} {EPOCH}"),
        Small(f"{IMBENCH} -m dataset=digits dataset/imbalance=long_tail "
              "dataset.imbalance.ratio=15 ...", f"{FOLDS} {EPOCH}"),
    ],
    "docs/performance.md": [
        Small(f"{IMBENCH} dataset=mnist model=mlp strategy=inverse_weights splits=official "
              "model.estimator.epochs=2 model.estimator.batch_size=64 "
              "model.estimator.validation_fraction=0"),
        Small(f"{IMBENCH} dataset=synthetic model=mlp strategy=focal", f"{ROWS} {EPOCH}"),
        Small(f"{CUSTOMERS} model=hist_gradient_boosting strategy={CHEAP},isotonic,platt",
              f"{FOLDS} {ROUNDS}"),
        Small(f"{CUSTOMERS} model=lightgbm strategy={CHEAP},isotonic,platt", f"{FOLDS} {LIGHT}"),
        *(
            Small(f"{LARGE} model={model} strategy={names}",
                  f"{ROWS} dataset.n_features=5 dataset.ratio=4 {less}")
            for model, less in (("hist_gradient_boosting", ROUNDS), ("lightgbm", LIGHT))
            for names in (f"{SIMPLE},isotonic,platt", SAMPLERS)
        ),
    ],
    "scripts": [  # in a copy of what they read and write of the checkout
        Small("python scripts/race_order.py", says="orders",
              makes="imbench/api/published_order.json"),
        Small("python scripts/when_which.py", makes="docs/when_which.md"),
        Small("python scripts/reliability.py", "--share 0 --from faults.jsonl",
              says="wrote docs/reliability.md"),
        Small("python scripts/isolation.py --pairs 1", says="a fold in a process of its own"),
        Small("python scripts/scale.py", "--cells 2 --rows 2000", says="leaderboard: a cell"),
        Small("python scripts/recommend_check.py --tables 60", "--tables 1 --jobs 1",
              says="0 of 1 null tables end with a claim"),
    ],
}  # fmt: skip

E2E, UNIT = "tests/e2e/test_", "tests/unit/test_"
PYTHON = r"(\.venv/bin/)?python"

# The pattern of whole commands, and the tests that run them.
RUN_BY = {
    PYTHON + r" -m imbench serve .*": [f"{E2E}serving.py::test_http_answers_are_those_of_predict"],
    r"(.*python -m )?imbench ui": [
        f"{E2E}ui.py::test_it_serves_the_runs_of_a_results_folder_on_loopback_until_ctrl_c"
    ],
    r"bash scripts/quickstart\.sh": [
        f"{E2E}reproduce_script.py::test_the_quickstart_ends_with_what_to_open"
    ],
    r"(IMBENCH_DATA=\S+ )?bash scripts/reproduce\.sh .*": [
        f"{E2E}reproduce_script.py::test_a_plan_is_worked_through_before_the_page_is_written"
    ],
    r"python -m imbench docs": [f"{E2E}site.py::test_docs_opens_the_site"],
    r"python -m imbench experiment=quickstart": [
        f"{E2E}quickstart.py::test_the_first_table_of_the_readme_is_what_the_command_says"
    ],
    r"python -m imbench experiment=quickstart splits=official .*": [
        f"{E2E}quickstart.py::test_what_it_tells_is_true_of_many_further_rows"
    ],
    r"python -m imbench -m dataset=\S+ .* executor=ray": [f"{E2E}site.py::test_the_gallery_runs"],
    r"python -m imbench -m .* executor=ray executor\.address=.*": [
        f"{E2E}ray.py::test_a_tuned_cell_comes_back_without_a_shared_folder"
    ],
    r"python -m imbench -m \.\.\. tuning=optuna tuning\.storage=postgresql.*": [
        f"{E2E}postgres.py::"
        "test_several_processes_complete_a_study_to_exactly_n_and_one_that_is_killed_loses_nothing"
    ],
    PYTHON + r" scripts/bench\.py( --rows .*)?": [
        f"{E2E}bench.py::test_every_row_is_there_with_its_keys_and_conditions"
    ],
    r"python scripts/bench\.py --doc": [
        f"{E2E}bench.py::test_stored_rows_are_joined_and_the_later_file_wins"
    ],
    r"python scripts/bench\.py scale": [f"{UNIT}bench_scale.py::test_smoke"],
    r"python scripts/leaderboards\.py to_smote_or_not": [
        f"{UNIT}leaderboards.py::test_page_numbers_and_figures_are_written"
    ],
    r"python scripts/verdict_check\.py .*": [f"{UNIT}verdict_check.py::test_smoke_holds"],
    r"python -m (imbench --config-dir mine|pytest test_).*": [
        f"{E2E}contributing.py::test_the_recipe_works",
        f"{E2E}pages.py::test_add_a_strategy",
        f"{E2E}pages.py::test_add_a_dataset",
        f"{E2E}pages.py::test_add_a_model",
        f"{E2E}pages.py::test_add_a_metric",
        f"{E2E}own_models.py::test_the_command_works",
        f"{E2E}site.py::test_the_gallery_runs",
    ],
    r"python -m imbench plan": [f"{E2E}array.py::test_chunks_end_as_one_command_does"],
    r"\.venv/bin/pytest test_tomek\.py": [f"{E2E}pages.py::test_the_contract_of_the_recipe_passes"],
    r"python -m imbench -m model=own .*": [f"{E2E}own_models.py::test_the_command_works"],
    PYTHON + r" scripts/docs\.py": [f"{UNIT}docs.py::test_the_page_of_strategies_is_up_to_date"],
    r"imbench (splits=kf|'?strategy=\[smote,foc|model=lightgbm model\.estimator\.)": [
        f"{UNIT}completion.py::test_words_that_fit_a_line",
    ],
    r'eval "\$\(imbench completion bash\)"': [f"{UNIT}completion.py::test_bash_completes"],
    r'eval "\$\(imbench completion zsh\)"': [f"{UNIT}completion.py::test_zsh_completes"],
    r"imbench completion fish \| source": [f"{UNIT}completion.py::test_fish_completes"],
    r"curl http://127\.0\.0\.1:5001/invocations .*": [
        f"{E2E}serving.py::test_http_answers_are_those_of_predict",
    ],
    r"PATH=\S+ mlflow models serve .*": [f"{E2E}serving.py::test_mlflow_serves_the_same"],
    r"python -m scripts\.threshold_rows": [
        f"{UNIT}aims.py::test_with_fewer_rows_than_the_minimum_a_tuned_threshold_gains_nothing"
    ],
    r"python scripts/verdict_told\.py .*": [
        f"{UNIT}verdict_check.py::test_what_is_told_on_stored_results_is_counted_by_both_tests"
    ],
}

# What no test can run, and why not.
NOT_RUN = {
    r"pip install .*": "it needs a package index; test_commands checks that its extras exist",
    r"(python -m |\.venv/bin/)pytest( -m .*)?( tests/.*)?": (
        "it runs these tests; test_commands checks that its markers and files exist"
    ),
    r"bash scripts/(setup|test)\.sh": "it makes the environment of the tests, or is what runs them",
    r"bash scripts/docs\.sh": "it takes minutes; test_site builds the site and runs the gallery",
    r"\.venv/bin/(ruff|mypy).*": "scripts/test.sh runs it beside the tests",
    r"source \.venv/bin/activate": "it sets the PATH of the shell in which it is typed",
    r"createdb .*": "it needs a database server; test_postgres has one where it is installed",
    r"mlflow server .*": "it needs a database server",
    r"ray start .*": "it needs a cluster; test_ray has one on this machine",
    r"(sbatch|qsub) .*": "it needs a cluster; test_array sets what it sets",
    r"for i in .*": "it needs other machines; test_array runs the same words here",
}
