/**
 * Every cap on hostile input that more than one part shares, with its reason.
 * Sizes are bytes unless the name says otherwise.
 */

/** A root lists tens of keys at most; RSA keys in PEM take 0.8 KB each. */
export const MAX_ROOT_BYTES = 512_000;
/** A timestamp names one file. */
export const MAX_TIMESTAMP_BYTES = 16_384;
/** Used where the timestamp does not state the snapshot's length. */
export const MAX_SNAPSHOT_BYTES = 2_000_000;
/** Used where the snapshot does not state the length of targets. */
export const MAX_TARGETS_BYTES = 5_000_000;
/** A fingerprint is about 250 bytes of JSON: this holds 60,000 replaced functions. */
export const MAX_MANIFEST_BYTES = 16 * 1024 * 1024;
/** The largest livepatch modules in the field, cumulative ones of a year, have a few MB. */
export const MAX_ARTIFACT_BYTES = 32 * 1024 * 1024;
/** One bundle holds one of each of the above but the artifact, escaped as JSON strings. */
export const MAX_BUNDLE_BYTES = 32 * 1024 * 1024;
/** Roots followed in one refresh: a rotation a week for five years. */
export const MAX_ROOT_ROTATIONS = 256;
/** JSON nests this deep at the most; our own documents reach 8. */
export const MAX_JSON_DEPTH = 32;
/** Signatures on one document: several times the largest sensible threshold. */
export const MAX_SIGNATURES = 128;
/** Keys in a root. */
export const MAX_KEYS = 1024;
/** Entries in a snapshot or targets document. */
export const MAX_ENTRIES = 1_000_000;
/** Updates for one kernel. */
export const MAX_UPDATES = 4096;
/** Functions that one update replaces; a year of a stable series changes some thousands. */
export const MAX_FUNCTIONS = 65_536;
/** Names of people's making: ids, summaries, CVEs. */
export const MAX_SHORT_TEXT = 1024;
