//! Blobs in a folder whose power is cut: names and contents that were not synced are lost, kept or
//! half kept, at seeded random steps.

use std::collections::BTreeSet;

use airssys_wasm_model::Digest;
use rand::rngs::SmallRng;
use rand::seq::IteratorRandom;
use rand::{Rng, SeedableRng};

use super::folder::Folder;
use super::folder_shadow::Shadow;
use super::{BlobError, Blobs};

#[test]
fn no_acknowledged_blob_is_lost_or_torn_by_power_cuts() {
    const CUTS: usize = 600;
    let mut rng = SmallRng::seed_from_u64(crate::seed::seed());
    let mut shadow = Shadow::default();
    let mut known: BTreeSet<Digest> = BTreeSet::new();
    let (mut puts, mut unanswered_puts) = (0, 0);
    for _ in 0..CUTS {
        shadow.state().cut_at = Some(rng.random_range(0..40));
        let mut unanswered = None;
        if let Ok(blobs) = Blobs::on(shadow.clone(), None) {
            loop {
                let remove = !known.is_empty() && rng.random_bool(0.2);
                let (digest, result) = if remove {
                    let digest = *known.iter().choose(&mut rng).unwrap();
                    (digest, blobs.remove(&digest).map(|there| assert!(there)))
                } else {
                    let bytes = vec![rng.random_range(0..30); rng.random_range(0..3) * 6_000];
                    (Digest::of(&bytes), put(&blobs, &bytes, rng.random_bool(0.5)))
                };
                if result.is_err() {
                    unanswered = Some(digest);
                    unanswered_puts += usize::from(!remove);
                    break;
                }
                if remove {
                    known.remove(&digest);
                } else {
                    known.insert(digest);
                    puts += 1;
                }
            }
        }
        shadow = shadow.power_on(&mut rng);
        let blobs = Blobs::on(shadow.clone(), None).unwrap();
        let found: BTreeSet<Digest> = blobs.list().unwrap().into_iter().collect();
        for digest in &found {
            blobs.get(digest).expect("a blob that has its name is whole");
        }
        let differing: Vec<&Digest> = found.symmetric_difference(&known).collect();
        assert!(differing.iter().all(|digest| Some(**digest) == unanswered), "{differing:?}");
        let unfinished = shadow.names().unwrap().len() - found.len();
        assert_eq!(unfinished, 0, "remains of unfinished blobs were left");
        known = found;
    }
    assert!(puts > CUTS && unanswered_puts > CUTS / 2, "{puts} puts, {unanswered_puts} cut");
}

#[test]
fn a_failed_sync_of_a_blobs_name_is_not_papered_over_by_the_next_one() {
    let mut rng = SmallRng::seed_from_u64(1);
    for (streamed, restarted) in [(false, false), (true, false), (false, true), (true, true)] {
        let shadow = Shadow::default();
        let mut blobs = Blobs::on(shadow.clone(), None).unwrap();
        let other = blobs.put(b"acknowledged before").unwrap();
        shadow.state().sync_fails = true;
        assert!(put(&blobs, b"bytes", streamed).is_err());
        if restarted {
            blobs = Blobs::on(shadow.clone(), None).unwrap();
        }
        put(&blobs, b"bytes", streamed).unwrap();
        let blobs = Blobs::on(shadow.power_on(&mut rng), None).unwrap();
        assert_eq!(blobs.get(&Digest::of(b"bytes")).unwrap(), b"bytes");
        assert_eq!(blobs.get(&other).unwrap(), b"acknowledged before");
    }
}

#[test]
fn a_blob_whose_repair_failed_to_sync_is_written_again() {
    let mut rng = SmallRng::seed_from_u64(1);
    let shadow = Shadow::default();
    let blobs = Blobs::on(shadow.clone(), None).unwrap();
    let digest = blobs.put(b"bytes").unwrap();
    let file = shadow.state().file(&digest.hex()).unwrap();
    shadow.state().files[file].bytes = b"damage".to_vec();
    shadow.state().sync_fails = true;
    assert!(put(&blobs, b"bytes", false).is_err());
    assert!(!blobs.contains(&digest).unwrap() && !blobs.touch(&digest).unwrap());
    put(&blobs, b"bytes", false).unwrap();
    let blobs = Blobs::on(shadow.power_on(&mut rng), None).unwrap();
    assert_eq!(blobs.get(&digest).unwrap(), b"bytes");
}

#[test]
fn a_name_that_a_killed_predecessor_did_not_sync_is_synced_at_opening() {
    let mut rng = SmallRng::seed_from_u64(1);
    let shadow = Shadow::default();
    let blobs = Blobs::on(shadow.clone(), None).unwrap();
    let steps = shadow.state().steps;
    // Killed after the rename: create, write, sync, rename; not the sync of the folder.
    shadow.state().cut_at = Some(steps + 4);
    assert!(blobs.put(b"bytes").is_err());
    shadow.state().cut_at = None;
    std::mem::forget(blobs);
    let blobs = Blobs::on(shadow.clone(), None).unwrap();
    assert!(blobs.contains(&Digest::of(b"bytes")).unwrap(), "the rename was done");
    blobs.put(b"bytes").unwrap();
    for _ in 0..20 {
        let blobs = Blobs::on(shadow.power_on(&mut rng), None).unwrap();
        assert_eq!(blobs.get(&Digest::of(b"bytes")).unwrap(), b"bytes");
    }
}

#[test]
fn a_full_disk_leaves_nothing_behind_and_is_overcome() {
    let shadow = Shadow::default();
    let blobs = Blobs::on(shadow.clone(), None).unwrap();
    let kept = blobs.put(b"kept").unwrap();
    shadow.state().room = Some(10_000);
    assert!(matches!(blobs.put(&[1; 20_000]), Err(BlobError::Full { .. })));
    assert_eq!(shadow.names().unwrap(), [kept.hex()]);

    // A writer that met the full disk must not name what it has written by what it has hashed.
    shadow.state().room = Some(100);
    let mut writer = blobs.writer(1 << 20).unwrap();
    assert!(matches!(writer.append(&[2; 200]), Err(BlobError::Full { .. })));
    shadow.state().room = None;
    assert!(writer.append(b"more").is_err());
    assert!(writer.finish().is_err());
    assert_eq!(shadow.names().unwrap(), [kept.hex()]);

    let digest = blobs.put(&[1; 20_000]).unwrap();
    assert_eq!(blobs.get(&digest).unwrap(), [1; 20_000]);
}

fn put(blobs: &Blobs, bytes: &[u8], streamed: bool) -> Result<(), BlobError> {
    let digest = if streamed {
        let mut writer = blobs.writer(1 << 20)?;
        for piece in bytes.chunks(5_000) {
            writer.append(piece)?;
        }
        writer.finish()?
    } else {
        blobs.put(bytes)?
    };
    assert_eq!(digest, Digest::of(bytes));
    Ok(())
}
