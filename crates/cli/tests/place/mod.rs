//! A folder of its own with the binary and the stress plugin in it, and nothing from outside.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
    time::{Duration, Instant},
};

use regex::Regex;

pub(crate) struct Place {
    folder: tempfile::TempDir,
    binary: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let plugin = copydesk_testkit::built_plugin("copydesk-stress");
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("bin");
        fs::create_dir(&bin).unwrap();
        let binary = bin.join("copydesk");
        put(Path::new(env!("CARGO_BIN_EXE_copydesk")), &binary);
        put(&plugin, &bin.join(plugin.file_name().unwrap()));
        fs::create_dir(folder.path().join("desk")).unwrap();
        Self { folder, binary }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("desk").join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        self.write_bytes(name, text.as_bytes());
    }

    pub(crate) fn write_bytes(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn link(&self, name: &str, target: &str) {
        std::os::unix::fs::symlink(target, self.path(name)).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Exit code, standard output and standard error as one text, without what differs from run
    /// to run.
    pub(crate) fn run(&self, args: &[&str]) -> String {
        self.run_with(args, b"")
    }

    pub(crate) fn run_with(&self, args: &[&str], stdin: &[u8]) -> String {
        let (stdout, stderr, code) = self.output(args, stdin);
        self.told(args, &stdout, &stderr, code)
    }

    pub(crate) fn run_in(&self, folder: &str, args: &[&str]) -> String {
        let mut command = self.command(args);
        let output = command.current_dir(self.path(folder)).output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        self.told(
            args,
            &text(output.stdout),
            &text(output.stderr),
            output.status.code().unwrap(),
        )
    }

    pub(crate) fn run_into(&self, args: &[&str], stdout: Stdio) -> String {
        let output = self.command(args).stdout(stdout).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        self.told(args, "", &stderr, output.status.code().unwrap())
    }

    pub(crate) fn stdout_of(&self, args: &[&str]) -> String {
        let (stdout, stderr, code) = self.output(args, b"");
        assert_eq!(code, 0, "{stderr}");
        stdout
    }

    pub(crate) fn output(&self, args: &[&str], stdin: &[u8]) -> (String, String, i32) {
        let mut command = self.command(args);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that does not read ends before it is written to.
        let _ = child.stdin.take().unwrap().write_all(stdin);
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            text(output.stdout),
            text(output.stderr),
            output.status.code().unwrap(),
        )
    }

    pub(crate) fn start(&self, args: &[&str]) -> Started {
        let mut command = self.command(args);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        let stderr = child.stderr.take();
        Started {
            child,
            stdout,
            stderr,
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .args(args)
            .current_dir(self.path(""))
            .env_clear()
            .env("HOME", self.folder.path())
            .env("COLUMNS", "80")
            .env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
    }

    fn told(&self, args: &[&str], stdout: &str, stderr: &str, code: i32) -> String {
        let all = format!(
            "$ copydesk {}\nexit code: {code}\n----- stdout -----\n{stdout}----- stderr -----\n{stderr}",
            args.join(" ")
        );
        let here = self.folder.path().canonicalize().unwrap();
        let mut text = all.replace(&here.display().to_string(), "[HERE]");
        for (pattern, with) in [
            (r"\.rs:\d+:\d+", ".rs:[LINE]"),
            (r"\bin \d+\.\d\d s", "in [TIME]"),
            (
                r"(?m)^(  \S+ +[\d,]+) +\d+\.\d\d +\d+ %$",
                "$1 [SECONDS] [SHARE]",
            ),
        ] {
            text = Regex::new(pattern)
                .unwrap()
                .replace_all(&text, with)
                .into_owned();
        }
        text
    }
}

/// A link is as good as a copy, and a debug binary is large.
fn put(from: &Path, to: &Path) {
    if fs::hard_link(from, to).is_err() {
        fs::copy(from, to).unwrap();
    }
}

/// A command that is running.
pub(crate) struct Started {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: Option<ChildStderr>,
}

impl Started {
    pub(crate) fn first_line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line
    }

    pub(crate) fn close_stdout(&mut self) {
        self.stdout = None;
    }

    /// Waits until the run has opened its output.
    pub(crate) fn until_file(&self, path: &Path) {
        let begun = Instant::now();
        while !path.exists() {
            assert!(
                begun.elapsed() < Duration::from_secs(60),
                "{} never came",
                path.display()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    #[allow(dead_code, reason = "not every test binary asks")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
    }

    /// Ends it as a crash would (SIGKILL); the exit code if it had ended by itself.
    pub(crate) fn kill(&mut self) -> Option<i32> {
        self.child.kill().unwrap();
        self.child.wait().unwrap().code()
    }

    pub(crate) fn wait(mut self) -> (String, Option<i32>) {
        let mut stderr = String::new();
        self.stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        let status = self.child.wait().unwrap();
        (stderr, status.code())
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // A test that failed half-way must not leave a run behind.
        let _ = self.child.kill();
    }
}
