//! Texts that are nearly right: what fuzzing begins with, since what is wrong at its first byte reaches little.

use bolero::TypeGenerator;

/// One of some samples, changed in some places.
#[derive(Clone, Debug, TypeGenerator)]
pub(crate) struct Near {
    sample: u8,
    edits: Vec<Edit>,
}

/// A change. Places are taken by the length of the text.
#[derive(Clone, Debug, TypeGenerator)]
enum Edit {
    Put(u16, u8),
    Insert(u16, Vec<u8>),
    Remove(u16, u8),
    /// A piece of another sample.
    Splice(u16, u8, u16, u8),
    End(u16),
}

impl Near {
    pub(crate) fn bytes(&self, samples: &[&str]) -> Vec<u8> {
        let pick = |which: u8| samples[usize::from(which) % samples.len()].as_bytes();
        let mut bytes = pick(self.sample).to_vec();
        for edit in &self.edits {
            let place = |at: u16| usize::from(at) % (bytes.len() + 1);
            match edit {
                Edit::Put(at, byte) => {
                    let at = place(*at);
                    if let Some(there) = bytes.get_mut(at) {
                        *there = *byte;
                    }
                }
                Edit::Insert(at, piece) => {
                    let at = place(*at);
                    bytes.splice(at..at, piece.iter().copied());
                }
                Edit::Remove(at, count) => {
                    let at = place(*at);
                    let end = bytes.len().min(at + usize::from(*count));
                    bytes.drain(at..end);
                }
                Edit::Splice(at, which, from, count) => {
                    let (at, other) = (place(*at), pick(*which));
                    let from = usize::from(*from) % (other.len() + 1);
                    let end = other.len().min(from + usize::from(*count));
                    bytes.splice(at..at, other[from..end].iter().copied());
                }
                Edit::End(at) => bytes.truncate(place(*at)),
            }
        }
        bytes
    }

    pub(crate) fn text(&self, samples: &[&str]) -> String {
        String::from_utf8_lossy(&self.bytes(samples)).into_owned()
    }
}

#[test]
fn without_changes_it_is_the_sample_and_every_change_fits() {
    let samples = ["abcdef", "XYZ"];
    let near = |edits: Vec<Edit>| Near { sample: 2, edits }.text(&samples);
    assert_eq!(near(vec![]), "abcdef");
    assert_eq!(near(vec![Edit::Put(1, b'_')]), "a_cdef");
    assert_eq!(near(vec![Edit::Put(6, b'_')]), "abcdef");
    assert_eq!(near(vec![Edit::Insert(6, b"gh".to_vec())]), "abcdefgh");
    assert_eq!(near(vec![Edit::Remove(4, 200)]), "abcd");
    assert_eq!(near(vec![Edit::Splice(0, 1, 1, 9)]), "YZabcdef");
    assert_eq!(near(vec![Edit::End(3), Edit::End(9)]), "a");
}
