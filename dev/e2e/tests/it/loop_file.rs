//! What a user is told about a loop file that is wrong, before anything is made of it.

use crate::data::{self, Machines, loop_with};
use crate::product::Project;

const PERIOD: [&str; 7] = ["simulate", "--from", "2024-02-15", "--to", "2024-03-01", "--compare", "none"];

/// The commands that read a loop file.
fn commands() -> [&'static [&'static str]; 3] {
    [&PERIOD, &["plan"], &["apply"]]
}

fn everyone_says(file: &str, code: &str, words: &[&str]) {
    let project = Machines::CALM.project();
    project.write("flyball.yaml", file);
    for command in commands() {
        let error = project.refused(command);
        assert_eq!(error["code"], code, "{command:?}: {error}");
        let message = error["message"].as_str().unwrap();
        for word in words {
            assert!(message.contains(word), "{command:?} does not say '{word}': {message}");
        }
        assert!(error["hint"].is_string(), "{command:?} does not say what to do next: {error}");
    }
    assert!(!project.path().join(".flyball").exists(), "a file that is wrong makes nothing");
}

#[test]
fn an_unknown_key_is_shown_with_its_place_and_a_suggestion() {
    let file = loop_with("  window: 6d", "  windw: 6d");
    let words = ["flyball.yaml:24:3", "unknown key 'windw'", "did you mean 'window'"];
    everyone_says(&file, "invalid_loop_file", &words);
}

#[test]
fn a_wrong_type_is_shown_with_its_place_and_what_is_wanted() {
    let file = loop_with("window: 60d", "window: [60]");
    everyone_says(&file, "invalid_loop_file", &["flyball.yaml:15:11", "train.window", "found a list"]);
}

#[test]
fn all_mistakes_are_shown_at_once() {
    let file = loop_with("  window: 6d", "  windw: 6d").replace("window: 60d", "window: [60]");
    everyone_says(&file, "invalid_loop_file", &["flyball.yaml:15:11", "flyball.yaml:24:3"]);
}

#[test]
fn text_that_is_no_yaml_is_refused_with_its_place() {
    everyone_says("name: [a\ntask: b\n", "invalid_loop_file", &["flyball.yaml:2:"]);
}

#[test]
fn a_missing_loop_file_names_init() {
    let project = Project::new();
    for command in commands() {
        let error = project.refused(command);
        assert_eq!(error["code"], "not_found");
        assert!(error["hint"].as_str().unwrap().contains("flyball init"), "{error}");
    }
}

#[test]
fn wrong_use_ends_with_two_and_success_with_nought() {
    let project = Project::new();
    for words in [&["simulate"][..], &["fly"], &["simulate", "--from", "yesterday", "--to", "2024-01-01"], &[]] {
        assert_eq!(project.run(words).code, Some(2), "{words:?}");
    }
    for words in [&["--help"][..], &["--version"], &["schema"], &["completions", "bash"]] {
        assert_eq!(project.run(words).code, Some(0), "{words:?}");
    }
}

#[test]
fn errors_for_people_name_the_code_and_the_next_step() {
    let project = Project::with(&[("flyball.yaml", data::LOOP)]);
    let ended = project.run(&PERIOD);
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.starts_with("error: "), "{ended:?}");
    assert!(ended.stderr.contains("[not_found]") && ended.stderr.contains("\n  next: "), "{ended:?}");
}
