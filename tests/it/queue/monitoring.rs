//! The alerts and the dashboard of `packaging/monitoring`, by Prometheus's own `promtool`.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::process;

const RULES: &str = include_str!("../../../packaging/monitoring/nsbridge.rules.yml");
const DASHBOARD: &str = include_str!("../../../packaging/monitoring/nsbridge.dashboard.json");
const CASES: &str = include_str!("alerts.yml");

/// Asserts that a text of rules, alerts or a dashboard names only metrics that nsbridge serves.
#[track_caller]
fn assert_names_metrics(text: &str) {
    let source = include_str!("../../../src/cli/metrics.rs");
    let is_part = |it: char| it.is_ascii_lowercase() || it == '_';
    let words = text.split(|it: char| !is_part(it));
    let names: Vec<&str> = words
        .filter_map(|it| it.strip_prefix("nsbridge_"))
        .collect();
    assert!(names.len() >= 4, "{names:?}");
    for name in names {
        let mut name = name;
        for end in ["_total", "_bucket", "_seconds"] {
            name = name.strip_suffix(end).unwrap_or(name);
        }
        assert!(source.contains(&format!("\"{name}\"")), "nsbridge_{name}");
    }
}

#[track_caller]
fn promtool(arguments: &[&str]) {
    let said = process::run("promtool", arguments, b"");
    assert_eq!(said.status, Some(0), "{}{}", said.stdout(), said.stderr());
}

fn path(of: &str) -> String {
    format!("{}/{of}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_rules_of_alerts_are_valid_and_name_metrics_that_there_are() {
    let rules = path("packaging/monitoring/nsbridge.rules.yml");
    promtool(&["check", "rules", &rules]);
    assert_names_metrics(RULES);
}

#[test]
fn each_alert_fires_when_it_must() {
    promtool(&["test", "rules", &path("tests/it/queue/alerts.yml")]);
    let alerts = RULES
        .lines()
        .filter_map(|it| it.trim().strip_prefix("- alert: "));
    let fires = |alert: &str| {
        let mut cases = CASES.split("- alertname: ").skip(1);
        cases.any(|case| case.lines().next() == Some(alert) && case.contains("exp_alerts:"))
    };
    for alert in alerts {
        assert!(fires(alert), "{alert} has no case in alerts.yml");
    }
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let expressions = panels.iter().flat_map(|panel| {
        let targets = panel["targets"].as_array();
        let targets = targets.unwrap_or_else(|| panic!("{} asks for nothing", panel["title"]));
        targets
            .iter()
            .map(|it| it["expr"].as_str().expect("an expression"))
    });
    // Grafana sets these before it asks.
    let expressions = expressions.map(|it| {
        it.replace("$__rate_interval", "5m")
            .replace("$instance", ".*")
    });
    let expressions: Vec<String> = expressions.collect();
    assert!(expressions.len() > 10, "{expressions:?}");
    let rule = |expression: &String| json!({ "record": "a:b", "expr": expression });
    let rules: Vec<Value> = expressions.iter().map(rule).collect();
    // YAML takes JSON.
    let rules = json!({ "groups": [{ "name": "panels", "rules": rules }] });
    let directory = TempDir::with_prefix("nsbridge-rules-").expect("a temporary directory");
    let file = directory.path().join("panels.yml");
    std::fs::write(&file, rules.to_string()).unwrap();
    promtool(&["check", "rules", "--lint=none", &file.to_string_lossy()]);
    for expression in &expressions {
        assert!(!expression.contains('$'), "{expression}");
    }
    assert_names_metrics(&expressions.join("\n"));
    let ids: std::collections::BTreeSet<u64> =
        panels.iter().filter_map(|it| it["id"].as_u64()).collect();
    assert_eq!(
        ids.len(),
        panels.len(),
        "each panel has a number of its own"
    );
}
