/**
 * Every cap on hostile input that more than one part shares, with its reason.
 * Sizes are bytes unless the name says otherwise.
 */

/** A root lists tens of keys at most; RSA keys in PEM take 0.8 KB each. */
export const MAX_ROOT_BYTES = 512_000;
/** A timestamp names one file. */
export const MAX_TIMESTAMP_BYTES = 16_384;
/** Of one kernel it names one file, under as many signatures as anybody needs. Where the timestamp states its length, that holds. */
export const MAX_SNAPSHOT_BYTES = 512_000;
/** The same. Where the snapshot states its length, that holds. */
export const MAX_TARGETS_BYTES = 512_000;
/**
 * A fingerprint has some 250 bytes of JSON, twice as many where the function is long: this holds 10,000 replaced functions and
 * more, where a cumulative update of a year has some thousands. A host takes it in with less than 150 MB of memory in all.
 */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** The largest livepatch modules in the field, cumulative ones of a year, have a few MB. */
export const MAX_ARTIFACT_BYTES = 32 * 1024 * 1024;
/** One bundle holds one of each of the above but the artifact, and several roots, escaped as JSON strings: a tenth more. */
export const MAX_BUNDLE_BYTES = 6 * 1024 * 1024;
/** Roots followed in one refresh: a rotation a week for five years. */
export const MAX_ROOT_ROTATIONS = 256;
/** JSON nests this deep at the most; our own documents reach 8. */
export const MAX_JSON_DEPTH = 32;
/** Values and names of a document with a few members, or that carries some hundred files as texts. */
export const MAX_SMALL_VALUES = 1024;
/** Of one role's file: a snapshot of 16,384 delegated roles has five for each, a root of 1024 keys eleven. */
export const MAX_METADATA_VALUES = 131_072;
/** Of a kernel manifest: a function has 24, about one for ten bytes. */
export const MAX_MANIFEST_VALUES = 524_288;
/** Signatures on one document: several times the largest sensible threshold. */
export const MAX_SIGNATURES = 128;
/** Keys in a root. */
export const MAX_KEYS = 1024;
/** Entries in a snapshot or targets document. */
export const MAX_ENTRIES = 65_536;
/** Updates for one kernel. */
export const MAX_UPDATES = 4096;
/** Functions that one update replaces; a year of a stable series changes some thousands. */
export const MAX_FUNCTIONS = 65_536;
/** Names of people's making: ids, summaries, CVEs. */
export const MAX_SHORT_TEXT = 1024;
