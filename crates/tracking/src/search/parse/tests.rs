use super::super::grammar::{DATASETS, EXPERIMENTS, LOGGED_MODELS, MODEL_VERSIONS, REGISTERED_MODELS, RUNS, TRACES};
use super::*;

/// A filter in one normal form, to compare with.
fn shown(filter: &str, grammar: &Grammar) -> Result<String> {
    let one = |condition: Condition| {
        let Condition { entity, key, comparator, value } = condition;
        let value = match value {
            Value::Whole(number) => format!(" {number}"),
            Value::Number(number) => format!(" {number:?}"),
            Value::Text(text) => format!(" <{text}>"),
            Value::Texts(texts) => format!(" <{}>", texts.join("|")),
            Value::None => String::new(),
        };
        format!("{entity}[{key}] {comparator}{value}")
    };
    Ok(parse(filter, grammar)?.into_iter().map(one).collect::<Vec<_>>().join(" & "))
}

#[test]
fn filters_of_runs_are_understood() {
    for (filter, wanted) in [
        ("", ""),
        ("  \n", ""),
        ("metrics.a>1", "metric[a] > 1"),
        ("metric.a = .5", "metric[a] = 0.5"),
        ("metrics.a=-1.5e-3", "metric[a] = -0.0015"),
        ("metrics.a >= 5.", "metric[a] >= 5.0"),
        ("metrics.a < 99999999999999999999", "metric[a] < 1e20"),
        ("metrics.`a b` != 1", "metric[a b] != 1"),
        ("metrics.\"a/b-c\" <= 1", "metric[a/b-c] <= 1"),
        ("metrics.'a' > 1", "metric[a] > 1"),
        ("`metrics`.a > 1", "metric[a] > 1"),
        ("metrics.a.b.c > 1", "metric[a.b.c] > 1"),
        ("metrics.select > 1", "metric[select] > 1"),
        ("metrics.1a > 1", "metric[1a] > 1"),
        ("params.a='x' aNd tags.b != \"y\"", "parameter[a] = <x> & tag[b] != <y>"),
        (
            "param.a = '' AND parameter.b = 'b' and parameters.c='c'",
            "parameter[a] = <> & parameter[b] = <b> & parameter[c] = <c>",
        ),
        ("params.a = \"it's\"", "parameter[a] = <it's>"),
        ("params.a = 'it''s'", "parameter[a] = <it''s>"),
        ("params.a = '\\'", "parameter[a] = <\\>"),
        ("params.a = 'AND OR ('", "parameter[a] = <AND OR (>"),
        ("params.été = 'é\nü'", "parameter[été] = <é\nü>"),
        ("tags.mlflow.source.name ilike '%x_'", "tag[mlflow.source.name] ILIKE <%x_>"),
        ("tag.`mlflow.runName` LIKE 'x'", "tag[mlflow.runName] LIKE <x>"),
        ("tags.a is null AND params.b Is  Not Null", "tag[a] IS NULL & parameter[b] IS NOT NULL"),
        ("run_id = 'x'", "attribute[run_id] = <x>"),
        ("attributes.run_id IN ('a','b' , 'c')", "attribute[run_id] IN <a|b|c>"),
        ("attr.run_id not\tin (\"a\",)", "attribute[run_id] NOT IN <a>"),
        ("run.status != 'FAILED'", "attribute[status] != <FAILED>"),
        ("`run name` = 'x'", "attribute[run_name] = <x>"),
        ("attribute.\"Run Name\" = 'x'", "attribute[run_name] = <x>"),
        ("created > 5 AND end_time <= 5.5", "attribute[start_time] > 5 & attribute[end_time] <= 5.5"),
        ("dataset.name = 'x' AND datasets.digest IN ('a')", "dataset[name] = <x> & dataset[digest] IN <a>"),
        ("datasets.context LIKE 'tr%'", "dataset[context] LIKE <tr%>"),
        // Gluing filters together leaves such things, and stock MLflow takes them.
        ("AND params.a='x' AND AND params.b='y' AND", "parameter[a] = <x> & parameter[b] = <y>"),
        ("params.a='x' params.b='y'", "parameter[a] = <x> & parameter[b] = <y>"),
        ("params.a='x'AND params.b='y'", "parameter[a] = <x> & parameter[b] = <y>"),
    ] {
        assert_eq!(shown(filter, &RUNS).unwrap(), wanted, "{filter}");
    }
}

#[test]
fn other_things_have_their_own_grammars() {
    for (grammar, filter, wanted) in [
        (
            &EXPERIMENTS,
            "name LIKE 'a%' AND experiment_id IN ('1')",
            "attribute[name] LIKE <a%> & attribute[experiment_id] IN <1>",
        ),
        (
            &EXPERIMENTS,
            "attribute.creation_time > 5 and tag.a is null",
            "attribute[creation_time] > 5 & tag[a] IS NULL",
        ),
        (&REGISTERED_MODELS, "name IN ('a') AND tags.`x y` = 'z'", "attribute[name] IN <a> & tag[x y] = <z>"),
        (
            &MODEL_VERSIONS,
            "version_number >= '3' and version_number < 5",
            "attribute[version_number] >= 3 & attribute[version_number] < 5",
        ),
        (
            &MODEL_VERSIONS,
            "run_id NOT IN ('a') AND source_path = 's'",
            "attribute[run_id] NOT IN <a> & attribute[source_path] = <s>",
        ),
        (&LOGGED_MODELS, "attributes.name = 'a' AND status = 2", "attribute[name] = <a> & attribute[status] = 2"),
        (
            &LOGGED_MODELS,
            "creation_time > 5 AND metrics.a > 0.5",
            "attribute[creation_timestamp] > 5 & metric[a] > 0.5",
        ),
        (&LOGGED_MODELS, "params.a NOT IN ('x') AND tags.b = 'y'", "parameter[a] NOT IN <x> & tag[b] = <y>"),
        (&TRACES, "trace.status = 'OK' AND timestamp > 5", "attribute[status] = <OK> & attribute[timestamp_ms] > 5"),
        (
            &TRACES,
            "span.attributes.a.b LIKE '%x' AND span.name IN ('x')",
            "span[attributes.a.b] LIKE <%x> & span[name] IN <x>",
        ),
        (&TRACES, "feedback.ok = 'true' AND feedback.q >= 0.5", "feedback[ok] = <true> & feedback[q] >= 0.5"),
        (&TRACES, "expectation.`a b` IS NOT NULL and issue.id = 'x'", "expectation[a b] IS NOT NULL & issue[id] = <x>"),
        (
            &TRACES,
            "request_metadata.a RLIKE '^x' AND name rlike 'y'",
            "metadata[a] RLIKE <^x> & attribute[name] RLIKE <y>",
        ),
        (
            &TRACES,
            "trace.text ILIKE '%x%' AND prompt = 'a/1'",
            "attribute[text] ILIKE <%x%> & attribute[prompt] = <a/1>",
        ),
        (
            &DATASETS,
            "name IN ('a') AND created_time > 1 AND tags.a = 'b'",
            "attribute[name] IN <a> & attribute[created_time] > 1 & tag[a] = <b>",
        ),
    ] {
        assert_eq!(shown(filter, grammar).unwrap(), wanted, "{filter}");
    }
}

#[test]
fn mistakes_are_named_with_what_may_stand_there() {
    for (grammar, filter, part) in [
        (&RUNS, "params.a='x' OR params.b='y'", "Invalid clause(s) in filter string: 'OR' at character 14"),
        (&RUNS, "(params.a='x')", "Invalid clause(s) in filter string: '(params.a='x')' at character 1"),
        (&RUNS, "NOT params.a = 'x'", "Invalid clause(s) in filter string: 'NOT'"),
        (&RUNS, "params.a='x';", "Invalid clause(s) in filter string: ';'"),
        (&RUNS, "metrics.a > 1 -- c", "Invalid comparison clause at character 15. Expected 'Identifier' found '--'"),
        (&RUNS, "metrics.a-b > 1", "Invalid clause(s) in filter string: 'metrics.a-b' at character 1"),
        (&RUNS, "metrics.a > /* c */ 1", "Invalid clause(s) in filter string: '/*'"),
        (&RUNS, "metrics.a = +5", "Invalid clause(s) in filter string: '+5'"),
        (&RUNS, "metrics.a", "Invalid clause(s) in filter string: 'metrics.a' is not compared"),
        (&RUNS, "metrics.a >", "Invalid clause(s) in filter string: it ends in the middle of a comparison"),
        (&RUNS, "params.a = 'open", "Invalid clause(s) in filter string: ''open'"),
        (&RUNS, "params.`open = 'x'", "Invalid clause(s) in filter string: '`open = 'x''"),
        (&RUNS, "1 = 1", "Invalid comparison clause at character 1. Expected 'Identifier' found '1'"),
        (&RUNS, "'a' = 'a'", "Expected 'Identifier' found ''a''"),
        (&RUNS, "metrics. > 1", "Expected 'Identifier' found 'metrics.'"),
        (&RUNS, "foo.bar = 'x'", "Invalid entity type 'foo'. Valid values are ['metric', 'metrics', 'parameter'"),
        (&RUNS, "Metrics.a = 1", "Invalid entity type 'Metrics'"),
        (&RUNS, "foo = 'x'", "Invalid attribute key 'foo' specified. Valid keys are ['run_id', 'run_name'"),
        (
            &RUNS,
            "dataset.foo = 'x'",
            "Invalid dataset key 'foo' specified. Valid keys are ['name', 'digest', 'context']",
        ),
        (
            &RUNS,
            "metrics.a LIKE 5",
            "Invalid comparator 'LIKE' not one of ['=', '!=', '<', '<=', '>', '>='] for metric 'a'",
        ),
        (&RUNS, "metrics.a == 1", "Invalid comparator '=='"),
        (&RUNS, "metrics.a <> 1", "Invalid comparator '<>'"),
        (
            &RUNS,
            "params.a > 'x'",
            "Invalid comparator '>' not one of ['=', '!=', 'LIKE', 'ILIKE', 'IS NULL', 'IS NOT NULL']",
        ),
        (&RUNS, "params.a not  like 'x'", "Invalid comparator 'NOT LIKE'"),
        (&RUNS, "params.a RLIKE 'x'", "Invalid comparator 'RLIKE'"),
        (&RUNS, "params.a BETWEEN 1 AND 2", "Invalid comparator 'BETWEEN'"),
        (&RUNS, "status > 'x'", "Invalid comparator '>'"),
        (&RUNS, "metrics.a = 'x'", "Expected numeric value type for metric. Found 'x'"),
        (&RUNS, "metrics.a = NaN", "Expected numeric value type for metric. Found 'NaN'"),
        (&RUNS, "metrics.a > 1AND", "Expected numeric value type for metric. Found '1AND'"),
        (&RUNS, "metrics.a > ('x')", "Expected numeric value type for metric. Found '(x)'"),
        (&RUNS, "start_time = '5'", "Expected numeric value type for numeric attribute: start_time. Found '5'"),
        (&RUNS, "params.a = 5", "Expected a quoted string value for parameter (e.g. 'my-value'). Got value '5'"),
        (&RUNS, "status = 5", "Expected a quoted string value for attributes"),
        (&RUNS, "params.a = x", "Parameter value is either not quoted"),
        (&RUNS, "params.a = `x`", "Parameter value is either not quoted"),
        (&RUNS, "metrics.a IS NULL", "IS NULL / IS NOT NULL is only supported for tags and params, not for metric 'a'"),
        (&RUNS, "params.a IN ('x')", "Expected a quoted string value for parameter"),
        (&RUNS, "status IN ('x')", "Only ['run_id'] attributes support comparison with a list of quoted string values"),
        (&RUNS, "run_id IN ()", "expected a non-empty list of string values, but got empty list"),
        (&RUNS, "run_id IN ('a' 'b')", "but got ill-formed list"),
        (&RUNS, "run_id IN ('a'", "but got ill-formed list"),
        (&RUNS, "run_id IN (1, 2)", "but got different type in list"),
        (&RUNS, "run_id IN 'a'", "expected a non-empty list of string values"),
        (
            &EXPERIMENTS,
            "attributes.name = 'x'",
            "Invalid entity type 'attributes'. Valid values are ['attribute', 'tag', 'tags']",
        ),
        (&EXPERIMENTS, "metrics.a > 1", "Invalid entity type 'metrics'"),
        (&EXPERIMENTS, "name IS NULL", "IS NULL / IS NOT NULL is only supported for tags, not for attribute 'name'"),
        (&EXPERIMENTS, "name IN ('x')", "Only ['experiment_id'] attributes support"),
        (&EXPERIMENTS, "experiment_id = 1", "Expected a quoted string value for attributes"),
        (&REGISTERED_MODELS, "timestamp > 1", "Invalid attribute key 'timestamp' specified. Valid keys are ['name']"),
        (&REGISTERED_MODELS, "tags.a IS NULL", "Invalid comparator 'IS NULL'"),
        (&MODEL_VERSIONS, "version_number = 'x'", "Expected numeric value type for numeric attribute: version_number"),
        (&MODEL_VERSIONS, "name = 5", "Expected a quoted string value for attributes"),
        (&LOGGED_MODELS, "metric.a > 1", "Invalid entity type 'metric'"),
        (&LOGGED_MODELS, "tags.a > 'x'", "Invalid comparator '>'"),
        (&TRACES, "feedback.q > '0.5'", "Expected numeric value type for feedback"),
        (&TRACES, "feedback.q = 0.5", "Expected a quoted string value for feedback"),
        (&TRACES, "span.foo = 'x'", "Invalid span key 'foo'"),
        (&TRACES, "span.attributes = 'x'", "Invalid span key 'attributes'"),
        (&TRACES, "issue.id LIKE 'x'", "Invalid comparator 'LIKE'"),
    ] {
        let error = shown(filter, grammar).expect_err(filter);
        assert!(error.message().contains(part), "{filter}: {error}");
        assert_eq!(error.code(), ErrorCode::InvalidInput);
    }
}

#[test]
fn orders_are_understood() {
    for (step, wanted) in [
        ("metrics.a", ("metric", "a", true)),
        ("metrics.`a b`  asc", ("metric", "a b", true)),
        ("metric.\"a-b\" DESC", ("metric", "a-b", false)),
        (" params.a.b desc ", ("parameter", "a.b", false)),
        ("tags.`a`", ("tag", "a", true)),
        ("start_time DESC", ("attribute", "start_time", false)),
        ("Created DESC", ("attribute", "start_time", false)),
        ("attribute.`run name`", ("attribute", "run_name", true)),
    ] {
        let order = parse_order(&[step], &RUNS).unwrap().remove(0);
        assert_eq!((order.entity, order.key.as_str(), order.ascending), wanted, "{step}");
    }
    let order = parse_order(&["timestamp DESC", "name"], &REGISTERED_MODELS).unwrap();
    assert_eq!(order[0].key, "last_updated_timestamp");
    for (steps, part) in [
        (&["metrics.a foo"][..], "Invalid ordering key in order_by clause 'metrics.a foo'"),
        (&["a b c"], "Invalid order_by clause 'a b c'. Could not be parsed"),
        (&[""], "Invalid order_by clause ''. Could not be parsed"),
        (&["metrics.a, metrics.b"], "Could not be parsed"),
        (&["metrics.a DESC NULLS LAST"], "Could not be parsed"),
        (&["metrics.a-b DESC"], "Could not be parsed"),
        (&["'metrics.a'"], "Could not be parsed"),
        (&["foo.a"], "Invalid entity type 'foo'"),
        (&["attribute.foo"], "Invalid attribute key 'foo' specified"),
        (&["dataset.name"], "Invalid dataset key 'name'"),
        (&["metrics.a", "metric.`a` DESC"], "`order_by` contains duplicate fields: 'a'"),
    ] {
        let error = parse_order(steps, &RUNS).unwrap_err();
        assert!(error.message().contains(part), "{steps:?}: {error}");
    }
    assert!(parse_order(&["tags.a"], &EXPERIMENTS).unwrap_err().message().contains("Invalid order_by entity: tag"));
}

#[test]
fn bombs_are_refused() {
    let many = vec!["params.a = 'x'"; 65].join(" AND ");
    for bomb in
        ["AND ".repeat(10_000), "(".repeat(20_000), "x".repeat(1 << 20), format!("run_id IN ({}", "'a',".repeat(5_000))]
    {
        assert_eq!(parse(&bomb, &RUNS).unwrap_err().code(), ErrorCode::LimitExceeded);
    }
    assert!(parse(&many, &RUNS).unwrap_err().message().contains("more than 64 conditions"));
    assert!(parse(&"(".repeat(16_000), &RUNS).is_err());
    assert!(parse(&format!("metrics{}", ".a".repeat(8_000)), &RUNS).is_err());
    assert!(parse(&"'".repeat(16_000), &RUNS).is_err());
    assert!(parse_order(&vec!["metrics.a"; 65], &RUNS).is_err());
    assert!(parse_order(&["`".repeat(1 << 20)], &RUNS).is_err());
}
