//! Mail, in plain text: it is read on telephones, at night.

use flyball_egress::Mail;

use super::super::evidence::Evidence;
use super::super::message::Message;
use crate::alert::Alert;

/// The mail.
pub(in crate::notify) fn mail(from: &str, to: &str, message: &Message) -> Mail {
    let mut text = String::new();
    for alert in &message.alerts {
        write_alert(&mut text, message, alert);
    }
    if message.truncated > 0 {
        text.push_str(&format!("and {} alerts more\n\n", message.truncated));
    }
    if let Some(runbook) = message.runbook() {
        text.push_str(&format!("Runbook: {runbook}\n"));
    }
    Mail { from: from.to_owned(), to: to.to_owned(), subject: message.title(), id: message.id.clone(), text }
}

fn write_alert(text: &mut String, message: &Message, alert: &Alert) {
    let evidence = Evidence::of(alert.kind, &alert.details);
    let mut line = |line: &str| {
        text.push_str(line);
        text.push('\n');
    };
    line(&alert.summary);
    line("");
    line(&format!("Severity: {}", alert.severity.as_str()));
    line(&format!("Since: {}", alert.fired_at.unwrap_or(alert.opened_at)));
    if let Some(by) = &alert.acknowledged_by {
        line(&format!("Taken on by: {by}"));
    }
    if let Some(at) = alert.resolved_at {
        line(&format!("Resolved: {at}"));
    }
    for (name, value) in &evidence.facts {
        line(&format!("{name}: {value}"));
    }
    for (heading, lines) in [("Why", &evidence.diagnosis), ("Done", &evidence.done), ("What to do", &evidence.next)] {
        if !lines.is_empty() {
            line(&format!("\n{heading}:"));
            lines.iter().for_each(|one| line(&format!("- {one}")));
        }
    }
    line("");
    if let Some(link) = message.link(alert) {
        line(&link);
        line("");
    }
}
