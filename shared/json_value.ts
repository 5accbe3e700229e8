/**
 * A JSON value. Objects are Maps, so that a name chosen by an attacker (`__proto__`, `constructor`, `7`) is a
 * name like any other, in its own place.
 */
export type Json<Text> =
  | null
  | boolean
  | number
  | Text
  | readonly Json<Text>[]
  | ReadonlyMap<string, Json<Text>>;
export type JsonValue = Json<string>;
export type JsonObject = ReadonlyMap<string, JsonValue>;
/** The form in which a text is read: a string, or the bytes of a file. */
export type Text = string | Uint8Array;
