//! Installing from a wheel of our own and an index of this process.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::DeflateEncoder;

use super::*;

const LIBRARY: &[u8] = b"\x7fELF the library, the library, the library";

/// An archive with these files, deflated.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut archive, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let mut crc = flate2::Crc::new();
        crc.update(content);
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(content).unwrap();
        let packed = encoder.finish().unwrap();
        let mut head = [20u16, 0, 8, 0, 0].map(u16::to_le_bytes).concat();
        head.extend([crc.sum(), packed.len() as u32, content.len() as u32].map(u32::to_le_bytes).concat());
        head.extend([name.len() as u16, 0].map(u16::to_le_bytes).concat());
        let start = archive.len() as u32;
        archive.extend([b"PK\x03\x04", head.as_slice(), name.as_bytes(), &packed].concat());
        let rest = [[0u16; 3].map(u16::to_le_bytes).concat(), vec![0; 4], start.to_le_bytes().to_vec()].concat();
        directory.extend([b"PK\x01\x02", [20, 0].as_slice(), &head, &rest, name.as_bytes()].concat());
    }
    let start = archive.len() as u32;
    archive.extend(&directory);
    archive.extend(b"PK\x05\x06\0\0\0\0");
    archive.extend([files.len() as u16; 2].map(u16::to_le_bytes).concat());
    archive.extend([directory.len() as u32, start].map(u32::to_le_bytes).concat());
    archive.extend([0, 0]);
    archive
}

fn wheel() -> (Vec<u8>, Pin) {
    let library = format!("onnxruntime/capi/libonnxruntime.so.{VERSION}");
    let files: [(&str, &[u8]); 3] =
        [("onnxruntime/LICENSE", b"MIT"), ("onnxruntime/ThirdPartyNotices.txt", b"others"), (&library, LIBRARY)];
    let wheel = zip(&files);
    let leak = |text: String| -> &'static str { text.leak() };
    let (sha256, sha256_unpacked) = (leak(sha256(&wheel)), leak(sha256(LIBRARY)));
    let pin = Pin { file: "onnxruntime-1.whl", bytes: wheel.len() as u64, sha256, sha256_unpacked };
    (wheel, pin)
}

/// Serves paths until the test ends; keeps the heads of the requests.
fn serve(answers: Vec<(&'static str, String, Vec<u8>)>) -> (String, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let host = listener.local_addr().unwrap().to_string();
    let heads = Arc::new(Mutex::new(Vec::new()));
    let kept = heads.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") && reader.read_line(&mut head).unwrap() > 0 {}
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let missing = ("", "HTTP/1.1 404 Not Found".to_owned(), Vec::new());
            let (_, first, body) = answers.iter().find(|(own, ..)| *own == path).unwrap_or(&missing);
            let length = body.len();
            write!(reader.get_mut(), "{first}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n").unwrap();
            reader.get_mut().write_all(body).unwrap();
            kept.lock().unwrap().push(head);
        }
    });
    (host, heads)
}

fn page(kind: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {kind}")
}

#[test]
fn the_library_of_the_pinned_wheel_is_installed_once() {
    let (wheel, pin) = wheel();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.whl");
    std::fs::write(&file, &wheel).unwrap();
    let cache = folder.path().join("cache");
    let installed = install_pinned(&cache, Source::Wheel(&file), &pin).unwrap();
    assert!(installed.fresh);
    assert_eq!(std::fs::read(&installed.path).unwrap(), LIBRARY);
    assert_eq!(std::fs::read(installed.path.with_file_name("LICENSE")).unwrap(), b"MIT");
    assert_eq!(std::fs::read(installed.path.with_file_name("ThirdPartyNotices.txt")).unwrap(), b"others");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&installed.path).unwrap().permissions().mode() & 0o777, 0o644);
    }
    let names = std::fs::read_dir(installed.path.parent().unwrap()).unwrap();
    assert_eq!(names.count(), 3, "nothing else stays behind");
    std::fs::remove_file(&file).unwrap();
    let again = install_pinned(&cache, Source::Wheel(&file), &pin).unwrap();
    assert_eq!(again, Installed { fresh: false, ..installed.clone() });
    std::fs::write(&installed.path, b"cut off").unwrap();
    std::fs::write(&file, &wheel).unwrap();
    assert!(install_pinned(&cache, Source::Wheel(&file), &pin).unwrap().fresh, "a broken one is replaced");
}

#[test]
fn another_wheel_is_refused() {
    let (mut wheel, pin) = wheel();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("own.whl");
    wheel[40] ^= 1;
    std::fs::write(&file, &wheel).unwrap();
    let error = install_pinned(folder.path(), Source::Wheel(&file), &pin).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidData);
    assert!(error.message().contains(pin.sha256), "{error}");
    assert!(!library_path(folder.path()).exists());
    // Broken archives are no panic either, even if somebody pinned them.
    for cut in 0..wheel.len() {
        assert!(wheel::Files::read(&wheel[..cut]).is_err());
    }
    for at in 0..wheel.len() {
        let mut bent = wheel.clone();
        bent[at] = 0xff;
        if let Ok(files) = wheel::Files::read(&bent) {
            drop(files.unpack("onnxruntime/LICENSE", 100));
        }
    }
}

#[test]
fn an_index_is_asked_with_its_password_and_files_elsewhere_without_it() {
    let (wheel, pin) = wheel();
    let (files, file_heads) = serve(vec![("/f/onnxruntime-1.whl", page("application/zip"), wheel.clone())]);
    let link = format!("<a href=\"http://{files}/f/onnxruntime-1.whl#sha256=0\">w</a>");
    let (index, heads) = serve(vec![
        ("/old/onnxruntime/", "HTTP/1.1 301 Moved\r\nlocation: /simple/onnxruntime/".into(), Vec::new()),
        ("/simple/onnxruntime/", page("text/html"), link.into_bytes()),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let index = Index { urls: vec![format!("http://me:secret@{index}/old/")], ..Index::default() };
    assert!(install_pinned(folder.path(), Source::Index(&index), &pin).unwrap().fresh);
    let heads = heads.lock().unwrap().join("").to_lowercase();
    assert_eq!(heads.matches("authorization: basic").count(), 2, "{heads}");
    assert!(!file_heads.lock().unwrap().join("").to_lowercase().contains("authorization"));
}

#[test]
fn lists_as_json_and_relative_links_are_understood_and_errors_say_what_to_do() {
    let (wheel, pin) = wheel();
    let list = br#"{"files":[{"filename":"onnxruntime-1.whl","url":"../../f/onnxruntime-1.whl"}]}"#.to_vec();
    let (host, _) = serve(vec![
        ("/simple/onnxruntime/", page("application/vnd.pypi.simple.v1+json"), list),
        ("/f/onnxruntime-1.whl", page("application/zip"), [wheel.clone(), vec![0]].concat()),
        ("/empty/onnxruntime/", page("text/html"), b"<html>".to_vec()),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let refused = |path: &str| {
        let index = Index { urls: vec![format!("http://u:secret@{host}{path}")], ..Index::default() };
        install_pinned(folder.path(), Source::Index(&index), &pin).unwrap_err()
    };
    let longer = refused("/simple");
    assert_eq!(longer.code(), ErrorCode::LimitExceeded, "{longer:?}");
    for path in ["/empty", "/none"] {
        let error = refused(path);
        assert_eq!(error.code(), ErrorCode::Unavailable, "{error:?}");
        assert!(error.next_step().unwrap().contains("--from") && !format!("{error:?}").contains("secret"), "{error:?}");
    }
}
