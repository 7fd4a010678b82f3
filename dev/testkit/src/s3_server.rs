//! An S3 server for tests, with one empty bucket.

#![expect(clippy::disallowed_methods, reason = "tests start a server and are configured by the environment")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// Serves on a free port, tells it, and ends with its standard input: also when the test is killed.
const PROGRAM: &str = "\
import sys, boto3
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address='127.0.0.1', port=0, verbose=False)
server.start()
url = 'http://%s:%d' % server.get_host_and_port()
boto3.client('s3', endpoint_url=url, region_name='us-east-1', aws_access_key_id='test',
             aws_secret_access_key='test').create_bucket(Bucket='flyball')
print(url, flush=True)
sys.stdin.read()
server.stop()
";

/// A running S3 server with a bucket `flyball`; stopped when dropped.
pub struct S3Server {
    process: Child,
    url: String,
}

impl S3Server {
    /// Starts one with the Python that the environment variable `FLYBALL_PYTHON` names.
    ///
    /// # Panics
    /// When that Python or its packages are missing: a test that needs the server must not pass without it.
    pub fn start() -> Self {
        let python = std::env::var("FLYBALL_PYTHON").unwrap_or_else(|_| {
            panic!("FLYBALL_PYTHON must name a Python with what dev/python/requirements.txt lists; cargo xtask test sets it")
        });
        let mut process = Command::new(python)
            .args(["-c", PROGRAM])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("to start Python");
        let mut url = String::new();
        let output = process.stdout.take().expect("the output of the server");
        BufReader::new(output).read_line(&mut url).expect("the address of the server");
        assert!(!url.is_empty(), "the S3 server did not start; its words stand above");
        Self { process, url: url.trim().to_owned() }
    }

    /// What a client finds in its environment.
    pub fn settings(&self) -> Vec<(String, String)> {
        [
            ("AWS_ENDPOINT_URL", self.url.as_str()),
            ("AWS_ALLOW_HTTP", "true"),
            ("AWS_REGION", "us-east-1"),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        drop(self.process.wait());
    }
}
