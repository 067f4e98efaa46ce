//! Notes, keys and checkpoints. The vector is the one that the specification prints.

use crate::ledger::{Checkpoint, NoteError, Signer, Verifier};

const NAME: &str = "clinic-booking/0123456789abcdef";

fn signer() -> Signer {
    Signer::new(NAME, &[7; 32]).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint { origin: NAME.to_owned(), size: 20_852_163, root: [9; 32] }
}

/// From the documentation of the first implementation of signed notes, `golang.org/x/mod/sumdb/note`.
const PETER: &str = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
const PETERS_NOTE: &str = "If you think cryptography is the answer to your problem,\n\
    then you don't know what your problem is.\n\n\
    \u{2014} PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n";

#[test]
fn a_note_that_another_implementation_signed_verifies() {
    let peter = Verifier::parse(PETER).unwrap();
    assert_eq!(peter.to_string(), PETER);
    let text = peter.open(PETERS_NOTE).unwrap();
    assert!(text.ends_with("what your problem is.\n"));
    let other = PETERS_NOTE.replacen("cryptography", "cartography", 1);
    assert_eq!(peter.open(&other), Err(NoteError::BadSignature));
}

#[test]
fn keys_are_read_as_they_were_written_and_no_debug_shows_one() {
    let key = signer();
    let text = key.to_text();
    assert_eq!(*Signer::parse(&text).unwrap().to_text(), *text);
    assert_eq!(format!("{key:?}"), "[signing key]");
    let verifier = key.verifier();
    assert_eq!(Verifier::parse(&verifier.to_string()).unwrap(), verifier);
    assert_eq!(Verifier::parse(&format!("{verifier}\n")).unwrap(), verifier, "a file's last line break");

    let renamed = text.replacen(NAME, "clinic-booking/another", 1);
    assert_eq!(Signer::parse(&renamed).unwrap_err(), NoteError::Key, "the id belongs to name and key");
    for bad in ["", "PRIVATE+KEY+", "PRIVATE+KEY+a+00000000+AA==", "PRIVATE+KEY+a b+00000000+"] {
        assert!(Signer::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(Signer::new("a b", &[1; 32]).unwrap_err(), NoteError::Name);
    assert_eq!(Signer::new("a+b", &[1; 32]).unwrap_err(), NoteError::Name);
}

#[test]
fn a_checkpoint_is_three_lines_and_a_signature() {
    let note = checkpoint().sign(&signer());
    let lines: Vec<&str> = note.split('\n').collect();
    assert_eq!(lines[..4], [NAME, "20852163", "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=", ""]);
    assert!(lines[4].starts_with(&format!("\u{2014} {NAME} ")) && lines[5..] == [""]);
    assert_eq!(Checkpoint::open(&note, &signer().verifier()), Ok(checkpoint()));
    assert_eq!(Checkpoint::claimed(&note), Some(checkpoint()));
}

#[test]
fn what_was_changed_or_signed_by_another_key_is_not_believed() {
    let key = signer().verifier();
    let note = checkpoint().sign(&signer());
    assert_eq!(Checkpoint::open(&note.replacen("20852163", "20852164", 1), &key), Err(NoteError::BadSignature));
    let same_name = Signer::new(NAME, &[8; 32]).unwrap();
    assert_eq!(Checkpoint::open(&checkpoint().sign(&same_name), &key), Err(NoteError::Unsigned));
    let another_log = Checkpoint { origin: "elsewhere".to_owned(), ..checkpoint() };
    assert_eq!(Checkpoint::open(&another_log.sign(&signer()), &key), Err(NoteError::Malformed));
    // Further signatures, of witnesses for instance, take nothing away.
    let witness = Signer::new("witness.example/w1", &[9; 32]).unwrap();
    let line = witness.sign(&checkpoint().to_text()).split_off(checkpoint().to_text().len() + 1);
    assert_eq!(Checkpoint::open(&format!("{note}{line}"), &key), Ok(checkpoint()));
}

#[test]
fn what_is_no_note_or_no_checkpoint_is_refused() {
    let key = signer();
    for bad in ["", "\n", "text\n", "text\n\n", "text\n\n\u{2014} name\n", "a\tb\n\n\u{2014} n AAAAAAAA\n"] {
        assert_eq!(key.verifier().open(bad), Err(NoteError::Malformed), "{bad:?}");
    }
    let root = "CQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQkJCQk=";
    assert!(Checkpoint::parse(&format!("o\n1\n{root}\n")).is_some());
    assert!(Checkpoint::parse(&format!("o\n1\n{root}\nan extension\n")).is_some());
    for bad in [
        format!("o\n01\n{root}\n"),
        format!("o\n+1\n{root}\n"),
        format!("o\n\n{root}\n"),
        format!("\n1\n{root}\n"),
        "o\n1\nAAAA\n".to_owned(),
        format!("o\n1\n{root}"),
        "o\n1\n".to_owned(),
    ] {
        assert_eq!(Checkpoint::parse(&bad), None, "{bad:?}");
    }
}

#[test]
fn a_file_of_notes_is_taken_apart_around_what_a_crash_left() {
    use crate::ledger::note::split;
    let (key, first, second) = (signer(), checkpoint().sign(&signer()), PETERS_NOTE);
    let whole = format!("{first}\n{second}\n");
    assert_eq!(split(&whole), [first.as_str(), second]);
    assert_eq!(split(""), Vec::<&str>::new());
    // The second was cut off somewhere; what was appended after the next start stands whole behind it.
    for cut in 1..second.len() {
        let Some(half) = second.get(..cut) else { continue };
        let torn = format!("{first}\n{half}");
        let good = |text: &str| split(text).iter().filter(|note| key.verifier().open(note).is_ok()).count();
        assert_eq!((split(&torn)[0], good(&torn)), (first.as_str(), 1), "{half:?}");
        let end = if torn.ends_with('\n') { "\n" } else { "\n\n" };
        assert_eq!(good(&format!("{torn}{end}{first}\n")), 2, "{half:?}");
    }
}
