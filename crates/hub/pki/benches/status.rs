//! How fast certificates' states are told: OCSP responses a second on two threads, and a CRL of 300,000.
//!
//! `cargo bench -p ironroot-pki --bench status -- [SECONDS] [REVOKED]`
#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot go on has failed"
)]
#![expect(clippy::print_stdout, reason = "the figures are the purpose")]

use std::thread;
use std::time::{Duration, Instant};

use ironroot_identity::{CertificateSerial, Revocation, RevocationReason};
use ironroot_pki::authority::{Authority, PkiUrls};
use ironroot_pki::crl::RevocationList;
use ironroot_pki::ocsp::{CertificateStatus, Responder, UnrecordedResponder};
use ironroot_pki::seal::SealKey;
use ironroot_time::UnixTime;

/// 2026-06-01T00:00:00Z.
const NOW: UnixTime = UnixTime::from_s(1_780_272_000);
const THREADS: u64 = 2;

fn main() {
    // `cargo bench` puts `--bench` among the arguments.
    let mut numbers = std::env::args().filter_map(|argument| argument.parse().ok());
    let span = Duration::from_secs(numbers.next().unwrap_or(5));
    let revoked: u64 = numbers.next().unwrap_or(300_000);

    let folder = tempfile::tempdir().unwrap();
    let seal = SealKey::generate(&folder.path().join("seal.key")).unwrap();
    let authority = Authority::create(folder.path(), &seal, NOW).unwrap();
    let ca = authority.current();
    let until = NOW.plus(Duration::from_secs(7 * 86_400));
    let responder = UnrecordedResponder::make(&ca, serial(0), NOW, until).unwrap();
    let responder = responder.recorded();
    figure(
        "OCSP responses signed, with a nonce (/s)",
        signed_per_s(&responder, span),
    );

    let mut list = RevocationList::default();
    let revocation = Revocation {
        at_s: NOW.as_s(),
        reason: RevocationReason::Superseded,
    };
    let begun = Instant::now();
    for n in 0..revoked {
        list.add(&serial(n), revocation).unwrap();
    }
    figure(
        &format!("CRL of {revoked}, entries written (ms)"),
        begun.elapsed().as_millis(),
    );
    let urls = PkiUrls::new("http://hub.example").unwrap();
    let begun = Instant::now();
    let lists = list.sign(&ca, &urls, NOW).unwrap();
    figure(
        &format!("CRL of {revoked}, signed (ms)"),
        begun.elapsed().as_millis(),
    );
    figure(&format!("CRL of {revoked}, size (bytes)"), lists.full.len());
}

fn figure(what: &str, number: impl std::fmt::Display) {
    println!("figure\t{what}\tironroot\t{number}");
}

fn serial(n: u64) -> CertificateSerial {
    CertificateSerial::from_random(u128::from(n).to_be_bytes())
}

/// Responses with a nonce, each signed anew, by all threads together.
fn signed_per_s(responder: &Responder, span: Duration) -> u64 {
    let begun = Instant::now();
    let count = |thread: u64| {
        let mut signed = 0;
        while begun.elapsed() < span {
            let id = responder.cert_id(serial(thread * 1_000_000 + signed));
            let nonce = [7; 32];
            responder
                .respond(&[id], Some(&nonce), NOW, |_| CertificateStatus::Good)
                .unwrap();
            signed += 1;
        }
        signed
    };
    let signed: u64 = thread::scope(|scope| {
        let running: Vec<_> = (0..THREADS)
            .map(|thread| scope.spawn(move || count(thread)))
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .sum()
    });
    signed / span.as_secs().max(1)
}
