"""runs/search: every operator on every entity, and malformed filters."""

from case import Area
from searching import SETUP, T, find

area = Area("search-runs")
case = area.case


def finds(name: str, *filters: str) -> None:
    case(name, *SETUP, *[find(text) for text in filters])


def refuses(name: str, *filters: str) -> None:
    case(name, *SETUP[:2], *[find(text).refused() for text in filters])


SIX = ("=", "!=", "<", "<=", ">", ">=")
finds("metrics, every comparator", *[f"metrics.acc {sign} 0.7" for sign in SIX])
finds(
    "metrics, forms of numbers",
    "metrics.acc > 7e-1",
    "metrics.acc >= .7",
    "metrics.loss = 2.0",
    "metrics.loss = 2",
    "metrics.acc > -1",
    "metrics.acc < -1e300",
    "metrics.loss != 2",
)
finds(
    "metrics, words for the entity",
    "metric.acc > 0.6",
    "metrics.acc > 0.6",
    "metrics.`acc` > 0.6",
    'metrics."acc" > 0.6',
    "metrics.`val/loss` = 4",
    'metrics."val/loss" > 1',
)
finds("metrics that nobody has", "metrics.none = 1", "metrics.none != 1", "metrics.ACC > 0")
finds(
    "metrics of NaN and infinity",
    "metrics.acc != 0.5",
    "metrics.acc <= 1",
    "metrics.acc >= -1e308",
    "metrics.acc = 0",
    "metrics.acc < 0",
)
finds(
    "params, every comparator",
    "params.lr = '0.1'",
    "params.lr != '0.1'",
    "params.lr LIKE '0%'",
    "params.lr ILIKE '1E%'",
    "params.lr IS NULL",
    "params.lr IS NOT NULL",
)
finds(
    "params, letter case",
    "params.model = 'tree'",
    "params.model = 'Tree'",
    "params.model ILIKE 'TREE'",
    "params.model LIKE 'forest%'",
    "params.model ILIKE '%REE'",
)
finds(
    "params, wildcards",
    "params.model LIKE '%_%'",
    "params.model LIKE '____'",
    "params.model LIKE '%est\\_x'",
    "params.model LIKE '50%'",
    "params.model LIKE '%'",
    "params.model LIKE ''",
)
finds(
    "params, words for the entity",
    "param.lr = '0.1'",
    "parameter.lr = '0.1'",
    "parameters.lr = '0.1'",
    "params.`lr` = '0.1'",
    'params.lr = "0.1"',
)
finds(
    "params of an empty value",
    "params.empty = ''",
    "params.empty != ''",
    "params.empty IS NULL",
    "params.empty LIKE '%'",
    "params.model != ''",
)
finds(
    "tags, every comparator",
    "tags.team = 'red'",
    "tags.team != 'red'",
    "tags.team LIKE 'r%'",
    "tags.team ILIKE 'R%'",
    "tags.team IS NULL",
    "tags.team IS NOT NULL",
)
finds(
    "tags, words and quotes",
    "tag.team = 'red'",
    "tags.`team` = 'red'",
    "tags.`a.b-c d` = 'x'",
    "tags.\"a.b-c d\" = 'x'",
    "tags.`mlflow.runName` = 'beta'",
    "tags.mlflow.runName = 'beta'",
)
finds("tags of an empty value", "tags.empty = ''", "tags.empty != 'x'", "tags.empty IS NOT NULL")
finds("tags with quotes in the value", 'tags.note = "it\'s"', 'tags.note LIKE "it\'s%"', "tags.note LIKE '%\"so\"'")
finds(
    "attributes: status",
    "attributes.status = 'FINISHED'",
    "attribute.status != 'FINISHED'",
    "status = 'RUNNING'",
    "attr.status LIKE 'F%'",
    "run.status ILIKE 'fail%'",
    "status = 'finished'",
    "status = 'BOGUS'",
)
finds(
    "attributes: name",
    "attributes.run_name = 'beta'",
    "run_name LIKE '%a'",
    "run_name ILIKE 'BE%'",
    "attributes.`run name` = 'beta'",
    "attributes.`Run name` != 'beta'",
    "attributes.\"Run Name\" = 'beta'",
    "run_name != 'beta'",
)
finds(
    "attributes: id",
    "attributes.run_id = '{beta}'",
    "run_id != '{beta}'",
    "run_id IN ('{beta}', '{gamma}')",
    "run_id NOT IN ('{beta}', '{gamma}')",
    "attributes.run_id in ('{alpha}')",
    "run_id not in ('{alpha}')",
    "run_id LIKE '%'",
    "run_id IN ('nobody')",
)
finds("attributes: user", "user_id = 'ub'", "attributes.user_id != 'ub'", "user_id LIKE 'u%'", "user_id ILIKE 'UB'")
finds(
    "attributes: artifact uri",
    "artifact_uri LIKE 'mlflow-artifacts:%'",
    "attributes.artifact_uri = 'x'",
    "artifact_uri != 'x'",
)
finds(
    "attributes: start",
    *[f"attributes.start_time {sign} {T + 30}" for sign in SIX],
    f"start_time >= {T}",
    f"attributes.created > {T + 30}",
    f"attributes.Created > {T + 30}",
)
finds("attributes: end", *[f"attributes.end_time {sign} {T + 50}" for sign in SIX])
finds(
    "datasets",
    "datasets.name = 'iris'",
    "dataset.name != 'iris'",
    "datasets.digest = 'd1'",
    "datasets.context = 'train'",
    "datasets.name LIKE 'i%'",
    "datasets.name ILIKE 'IRIS'",
    "datasets.name IN ('iris', 'wine')",
    "datasets.name NOT IN ('iris')",
    "dataset.context IN ('test')",
    "datasets.digest LIKE 'd_'",
)
finds(
    "several datasets clauses",
    "datasets.name = 'iris' AND datasets.digest = 'd2'",
    "datasets.name = 'iris' AND datasets.context = 'test'",
    "datasets.name = 'wine' AND datasets.digest = 'd2'",
)
finds(
    "conjunctions",
    "metrics.acc > 0.4 AND params.lr = '0.1'",
    "metrics.acc > 0.4 and tags.team = 'red'",
    "metrics.acc > 0.4 AND metrics.loss < 3 AND params.model ILIKE 'tree' AND tags.team != 'x' AND status = 'FAILED'",
    "metrics.acc > 0.4 AND metrics.acc < 0.8",
    "params.lr = '0.1' AND params.lr = '0.01'",
    "tags.team = 'red' And attributes.status = 'RUNNING'",
)
finds(
    "blanks",
    "  metrics.acc>0.6  ",
    "metrics.acc>0.6 AND   params.lr='0.01'",
    "\nmetrics.acc\n>\n0.6\n",
    "metrics.acc\t>\t0.6",
    "",
)
refuses("only blanks", "   ")
finds(
    "words in lower case",
    "params.model like 'tree'",
    "params.model ilike 'tree'",
    "params.lr is null",
    "params.lr is not null",
    "tags.team iS nOt nUlL",
)
finds(
    "literals that look like syntax",
    "tags.team = 'red AND blue'",
    "tags.team != 'a = b'",
    "tags.team != '(x)'",
    "tags.team != 'a;b'",
    "tags.team != '--'",
    "tags.team != '/* */'",
    "tags.team != 'a`b'",
)
finds("keys that are words of the language", "params.`select` IS NULL", "tags.`and` IS NULL", "metrics.`like` = 1")

refuses("an OR", "metrics.a > 1 OR metrics.b > 1", "metrics.a > 1 or tags.x = 'y'")
refuses("parentheses", "(metrics.a > 1)", "(metrics.a > 1) AND metrics.b > 1")
refuses("a NOT", "NOT metrics.a > 1", "params.x NOT LIKE 'a'")
refuses(
    "unknown entities",
    "foo.bar = 'x'",
    "metricss.a = 1",
    "attributes.x = 'y'",
    "unknown = 'x'",
    "datasets.size = 'x'",
    "runs.status = 'x'",
)
refuses(
    "metrics of wrong literals",
    "metrics.a = '1'",
    'metrics.a = "1"',
    "metrics.a = x",
    "metrics.a = NaN",
    "metrics.a = 1.2.3",
    "metrics.a =",
)
refuses(
    "metrics of wrong comparators",
    "metrics.a LIKE '1'",
    "metrics.a == 1",
    "metrics.a IS NULL",
    "metrics.a IN ('1')",
    "metrics.a ~ 1",
)
refuses(
    "params of wrong literals",
    "params.a = 1",
    "params.a = x",
    "params.a = '1",
    "params.a = 'a' 'b'",
    "params.a = ",
    "params.a = `b`",
)
refuses(
    "params of wrong comparators",
    "params.a > '1'",
    "params.a < '1'",
    "params.a IN ('1')",
    "params.a == '1'",
    "params.a NOT NULL",
    "params.a IS 'x'",
)
refuses("tags of wrong comparators", "tags.a > '1'", "tags.a IN ('x')", "tags.a = 1")
refuses(
    "attributes of wrong comparators",
    "status > 'A'",
    "status IN ('FINISHED')",
    "start_time LIKE '1'",
    "start_time = '5'",
    "run_name IS NULL",
    "status IS NOT NULL",
    "start_time IS NULL",
)
refuses(
    "lists of wrong form",
    "run_id IN ()",
    "run_id IN ('a'",
    "run_id IN 'a'",
    "run_id IN (1, 2)",
    "run_id IN ('a', 1)",
    "run_id = ('a')",
    "run_id IN (a)",
)
refuses(
    "malformed text",
    "metrics.a",
    "= 1",
    ".a > 1",
    "metrics.a > 1, metrics.b > 1",
    "1 > metrics.a",
    "'a' = 'a'",
    ";",
    "metrics.a > 1; metrics.b > 1",
)
refuses("bare key with a dash", "tags.a.b-c = 'x'")
refuses(
    "comments and statements",
    "metrics.a > 1 -- x",
    "metrics.a > 1; DROP TABLE runs",
    "SELECT 1",
    "metrics.a > 1 UNION SELECT 1",
)
