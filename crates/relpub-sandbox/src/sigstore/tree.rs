//! The Merkle tree of a log (RFC 6962 section 2.1).

use super::keys::sha256;

/// A SHA-256.
pub(super) type Hash = [u8; 32];

/// Returns the hash of a leaf.
pub(super) fn leaf(body: &[u8]) -> Hash {
    sha256(&[&[0], body].concat())
}

/// Returns the root over these leaves.
pub(super) fn root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(split(leaves.len()));
            sha256(&[&[1], &root(left)[..], &root(right)].concat())
        }
    }
}

/// Returns the hashes that lead from the leaf at `index` to the root.
pub(super) fn path(index: usize, leaves: &[Hash]) -> Vec<Hash> {
    if leaves.len() <= 1 {
        return Vec::new();
    }
    let middle = split(leaves.len());
    let (left, right) = leaves.split_at(middle);
    let (mut path, other) = if index < middle {
        (path(index, left), root(right))
    } else {
        (path(index - middle, right), root(left))
    };
    path.push(other);
    path
}

/// Returns the root that a path leads to (RFC 9162 section 2.1.3.2).
///
/// `None` is a path that is too long or too short for its place in the tree.
pub(super) fn climb(index: usize, size: usize, leaf: Hash, path: &[Hash]) -> Option<Hash> {
    let mut last = size.checked_sub(1)?;
    let (mut node, mut hash) = (index, leaf);
    (index <= last).then_some(())?;
    for sibling in path {
        (last > 0).then_some(())?;
        if node % 2 == 1 || node == last {
            hash = sha256(&[&[1], &sibling[..], &hash].concat());
            while node % 2 == 0 && node != 0 {
                (node, last) = (node / 2, last / 2);
            }
        } else {
            hash = sha256(&[&[1], &hash[..], sibling].concat());
        }
        (node, last) = (node / 2, last / 2);
    }
    (last == 0).then_some(hash)
}

/// Returns the largest power of two below `length`, which is at least two.
fn split(length: usize) -> usize {
    length.next_power_of_two() / 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_leaf_leads_to_the_root() {
        let leaves: Vec<Hash> = (0..21u8).map(|byte| leaf(&[byte])).collect();
        for size in 1..=leaves.len() {
            let leaves = &leaves[..size];
            for index in 0..size {
                let path = path(index, leaves);
                let climbed = climb(index, size, leaves[index], &path);
                assert_eq!(climbed, Some(root(leaves)), "{index} of {size}");
                let cut = path.split_last().map(|(_, rest)| rest);
                assert!(cut.is_none_or(|cut| climb(index, size, leaves[index], cut).is_none()));
            }
        }
    }
}
