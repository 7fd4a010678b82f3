//! The loop file that `flyball init` writes.

use flyball_core::Task;

/// A commented loop file to start from; it is valid as it stands.
pub fn template(task: Task) -> String {
    let (word, label, gates, performance) = match task {
        Task::Classification => (
            "classification",
            "happened",
            "  - auc >= 0.65\n  - auc >= champion.auc - 0.005   # not worse than the version that serves now\n  # - \"worst(auc, by: region) >= 0.55\"",
            "metric: auc, floor: 0.62",
        ),
        Task::Regression => (
            "regression",
            "amount",
            "  - r2 >= 0.3\n  - rmse <= champion.rmse * 1.02   # not worse than the version that serves now\n  # - \"worst(mae, by: region) <= 20\"",
            "metric: rmse, floor: 60",
        ),
    };
    let worse = match task {
        Task::Classification => "auc < reference.auc - 0.02",
        Task::Regression => "rmse > reference.rmse * 1.1",
    };
    TEXT.replace("@task", word)
        .replace("@label", label)
        .replace("@gates", gates)
        .replace("@performance", performance)
        .replace("@worse", worse)
}

const TEXT: &str = r"# The loop of one model: data, training, gates, rollout, monitors, remedies.
# 'flyball plan' says what this file would change; 'flyball apply' makes it so.
name: my-model
task: @task

data:
  rows:
    from: data/rows.csv        # a file or a glob: Parquet, CSV or JSON lines
    key: id                    # joins a prediction with what really happened
    time: happened_at          # the event time
    label: @label
    label_delay: 1d            # the label is known this long after the event
    checks:
      - unique: [id]
      - not_null: [happened_at]
  # A dataset may also be SQL over the ones above:
  # features: { sql: features.sql, key: id, time: happened_at, label: @label }

train:
  on: rows
  window: 90d                  # learn from this much event time
  holdout: 14d                 # judge by the latest rows; or a share, as 20%
  uses: gbdt                   # or linear; or  run: python train.py
  with: { trees: 200 }

gates:                         # all must hold before a version may be promoted
@gates

deploy:
  environment: production
  strategy: { canary: [10%, 50%, 100%], bake: 6h }
  abort_if: [error_rate > 1%, latency_p99_ms > 50]

monitor:
  window: 1d
  drift: { false_alarm_rate: 5% }
  performance: { @performance }

remedies:
  - when: drift and @worse
    do: retrain
    limits: { cool_down: 7d, per_month: 4 }
  - when: error_rate > 5% for 3 windows
    do: rollback
";
