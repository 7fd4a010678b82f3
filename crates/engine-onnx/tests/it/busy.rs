//! Many requests at once, and runs that take too long.

use std::time::Duration;

use flyball_core::ErrorCode;

use crate::common::{LONG, Made, engine, floats, whole};

/// More turns than a test waits for.
const ENDLESS: i64 = i64::MAX;

#[test]
fn threads_get_their_own_answers_from_one_model() {
    let made = Made::new("network");
    let model = made.files(&["model.onnx"]).load(&engine().with_sessions(3)).unwrap();
    assert_eq!(model.parallel(), 3);
    let image = |seed: usize| {
        let pixels: Vec<f32> = (0..64).map(|at| ((at * 7 + seed * 13) % 31) as f32 - 15.0).collect();
        floats("image", &[1, 1, 8, 8], &pixels)
    };
    let expected: Vec<_> = (0..16).map(|seed| model.run(&[image(seed)], None, LONG).unwrap()).collect();
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let (model, expected) = (&model, &expected);
            scope.spawn(move || {
                for turn in 0..200 {
                    let seed = (thread * 5 + turn) % 16;
                    assert_eq!(model.run(&[image(seed)], None, LONG).unwrap(), expected[seed]);
                }
            });
        }
    });
    assert!(model.memory_bytes() <= 3 * made.file("model.onnx").len() as u64);
}

#[test]
fn an_endless_run_is_ended_and_the_model_answers_afterwards() {
    let model = Made::new("loop").files(&["model.onnx"]).load(&engine().with_sessions(1)).unwrap();
    let count = |times: i64, within| model.run(&[whole("times", &[], &[times])], None, within);
    for _ in 0..3 {
        let error = count(ENDLESS, Duration::from_millis(60)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::DeadlineExceeded, "{error:?}");
        assert_eq!(count(10, LONG).unwrap()[0].number(0), 10.0);
    }
}

#[test]
fn who_waits_too_long_for_a_session_is_told_so() {
    let model = Made::new("loop").files(&["model.onnx"]).load(&engine().with_sessions(1)).unwrap();
    std::thread::scope(|scope| {
        let endless = scope.spawn(|| model.run(&[whole("times", &[], &[ENDLESS])], None, Duration::from_millis(800)));
        std::thread::sleep(Duration::from_millis(200));
        let error = model.run(&[whole("times", &[], &[1])], None, Duration::from_millis(100)).unwrap_err();
        assert_eq!(error.code(), ErrorCode::Overloaded, "{error:?}");
        assert!(error.next_step().is_some());
        let late = model.run(&[whole("times", &[], &[1])], None, LONG).unwrap();
        assert_eq!(late[0].number(0), 1.0);
        assert_eq!(endless.join().unwrap().unwrap_err().code(), ErrorCode::DeadlineExceeded);
    });
}

#[test]
fn a_second_session_answers_while_the_first_is_busy() {
    let model = Made::new("loop").files(&["model.onnx"]).load(&engine().with_sessions(2)).unwrap();
    std::thread::scope(|scope| {
        let endless = scope.spawn(|| model.run(&[whole("times", &[], &[ENDLESS])], None, Duration::from_secs(4)));
        std::thread::sleep(Duration::from_millis(200));
        let answer = model.run(&[whole("times", &[], &[5])], None, Duration::from_secs(3)).unwrap();
        assert_eq!(answer[0].number(0), 5.0);
        assert!(!endless.is_finished());
        assert_eq!(endless.join().unwrap().unwrap_err().code(), ErrorCode::DeadlineExceeded);
    });
}
