/**
 * Every limit on hostile input that more than one part shares, with its reason.
 * Sizes are bytes unless the name says otherwise.
 */

/** A root lists tens of keys at most; RSA keys in PEM take 0.8 KB each. */
export const MAX_ROOT_BYTES = 512_000;
/** A timestamp names one file. */
export const MAX_TIMESTAMP_BYTES = 16_384;
/**
 * The snapshot of a kernel names one file and has as many signatures as any feed needs. If the timestamp
 * states its length, that length is the limit.
 */
export const MAX_SNAPSHOT_BYTES = 512_000;
/** Targets are as short as a snapshot. If the snapshot states their length, that length is the limit. */
export const MAX_TARGETS_BYTES = 512_000;
/**
 * A fingerprint has some 250 bytes of JSON, or twice as many if the function is long. This limit has room for
 * 10,000 replaced functions and more; a cumulative update of a year has some thousands. A host reads such a
 * manifest with less than 150 MB of memory in all.
 */
export const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** The largest livepatch modules in use, cumulative ones of a year, have a few MB. */
export const MAX_ARTIFACT_BYTES = 32 * 1024 * 1024;
/**
 * A bundle holds one of each of the above but the artifact, and several roots. They are escaped as JSON
 * strings, which adds a tenth.
 */
export const MAX_BUNDLE_BYTES = 6 * 1024 * 1024;
/** The roots that are followed in one refresh: a rotation a week for five years. */
export const MAX_ROOT_ROTATIONS = 256;
/** The deepest nesting of JSON. The project's own documents reach 8. */
export const MAX_JSON_DEPTH = 32;
/**
 * The values and names of a document with a few members, or of one that carries some hundred files as texts.
 */
export const MAX_SMALL_VALUES = 1024;
/**
 * The values and names in one role's file. A snapshot of 16,384 delegated roles has five for each, a root of
 * 1024 keys eleven for each.
 */
export const MAX_METADATA_VALUES = 131_072;
/** The values and names in a kernel's manifest. A function has 24, about one for each ten bytes. */
export const MAX_MANIFEST_VALUES = 524_288;
/** The signatures on one document: several times the largest sensible threshold. */
export const MAX_SIGNATURES = 128;
/** The keys in a root. */
export const MAX_KEYS = 1024;
/** The entries in a snapshot or targets document. */
export const MAX_ENTRIES = 65_536;
/** The updates for one kernel. */
export const MAX_UPDATES = 4096;
/** The functions that one update replaces. A year of a stable series changes some thousands. */
export const MAX_FUNCTIONS = 65_536;
/** The length of texts that people write: ids, summaries, CVEs. */
export const MAX_SHORT_TEXT = 1024;
