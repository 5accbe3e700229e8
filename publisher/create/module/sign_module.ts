import { createPrivateKey, type KeyObject, sign, X509Certificate } from "node:crypto";
import { concatBytes, equalBytes, utf8 } from "../../../shared/bytes.ts";
import { DER, DerReader } from "../../../shared/crypto/der.ts";
import { RebootlessError } from "../../../shared/errors.ts";
import { MODULE_SIGNATURE } from "../../module/kernel_structs.ts";

/** The key and certificate that sign a module, for kernels that load only signed modules. */
export interface ModuleSigner {
  /** An RSA private key. */
  readonly key: KeyObject;
  /** The key's certificate. The kernel must trust it, or an authority that issued it. */
  readonly certificate: X509Certificate;
  /** A digest algorithm that the kernel has built in. The kernels of distributions have both. */
  readonly digest: "sha256" | "sha512";
}

/**
 * Reads a signing key and its certificate.
 * @param key PEM, not encrypted.
 * @param certificate PEM or DER.
 * @throws RebootlessError `config` if they are not of this form.
 */
export function moduleSigner(
  key: Uint8Array,
  certificate: Uint8Array,
  digest: ModuleSigner["digest"] = "sha256",
): ModuleSigner {
  return {
    key: attempt("the signing key", () => createPrivateKey(Buffer.from(key))),
    certificate: attempt("the signing certificate", () => new X509Certificate(certificate)),
    digest,
  };
}

function attempt<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new RebootlessError("config", `${what} cannot be read`, {
      cause,
      hint: "Give an RSA key in PEM without a passphrase (openssl pkey -in KEY -out PLAIN), and its X.509 certificate.",
    });
  }
}

/** The text that ends a signed module (MODULE_SIG_STRING in include/linux/module_signature.h, Linux 6.12). */
const MARKER = utf8("~Module signature appended~\n");
const ID_TYPE_PKCS7 = 2;
const DIGEST_OIDS = {
  sha256: "2.16.840.1.101.3.4.2.1",
  sha512: "2.16.840.1.101.3.4.2.3",
} as const;
const SIGNED_DATA = "1.2.840.113549.1.7.2";
const DATA = "1.2.840.113549.1.7.1";
const RSA_ENCRYPTION = "1.2.840.113549.1.1.1";
const SET = 0x31;
const OCTET_STRING = 0x04;
/** The tag [0], constructed. */
const CONTEXT_0 = 0xa0;

/** Reports whether a signature was appended already. */
export const isSigned = (module: Uint8Array): boolean =>
  equalBytes(module.subarray(Math.max(module.length - MARKER.length, 0)), MARKER);

/**
 * Appends a signature, byte for byte as the kernel's scripts/sign-file does with an RSA key: detached PKCS#7
 * signed data without attributes and certificates, then struct module_signature and the marker.
 * @throws RebootlessError `usage` if the module is signed already, or the certificate does not belong to the
 * key.
 * @throws RebootlessError `unsupported` if the key is not RSA.
 */
export function signModule(module: Uint8Array, { key, certificate, digest }: ModuleSigner): Uint8Array {
  if (isSigned(module)) throw new RebootlessError("usage", "the module is signed already");
  if (key.type !== "private" || key.asymmetricKeyType !== "rsa") {
    throw new RebootlessError(
      "unsupported",
      `a module is signed with an RSA private key, not ${key.asymmetricKeyType ?? key.type}`,
      {
        hint: "All kernels of distributions verify RSA, and an RSA signature of the same bytes is always the same.",
      },
    );
  }
  if (!certificate.checkPrivateKey(key)) {
    throw new RebootlessError(
      "usage",
      `the certificate of ${certificate.subject} does not belong to the key`,
    );
  }
  const signature = sign(digest, module, key);
  const pkcs7 = signedData(certificate, digest, signature);
  return concatBytes([module, pkcs7, trailer(pkcs7.length), MARKER]);
}

/** Encodes struct module_signature, in which everything except the type and the length is zero. */
const trailer = (signatureLength: number): Uint8Array =>
  MODULE_SIGNATURE.encode({ idType: ID_TYPE_PKCS7, signatureLength });

/** Encodes the ContentInfo of RFC 2315, sections 7 and 9. */
function signedData(
  certificate: X509Certificate,
  digest: ModuleSigner["digest"],
  signature: Uint8Array,
): Uint8Array {
  const { issuer, serial } = issuerAndSerial(certificate.raw);
  const version = der(DER.integer, Uint8Array.of(1));
  const digestAlgorithm = der(DER.sequence, oid(DIGEST_OIDS[digest]));
  const signer = der(
    DER.sequence,
    version,
    der(DER.sequence, issuer, serial),
    digestAlgorithm,
    der(DER.sequence, oid(RSA_ENCRYPTION), der(DER.null)),
    der(OCTET_STRING, signature),
  );
  const content = der(
    DER.sequence,
    version,
    der(SET, digestAlgorithm),
    der(DER.sequence, oid(DATA)),
    der(SET, signer),
  );
  return der(DER.sequence, oid(SIGNED_DATA), der(CONTEXT_0, content));
}

/**
 * Returns the issuer and the serial number with the exact bytes that the certificate has (RFC 5280, section
 * 4.1), because the kernel looks for its key by them.
 */
function issuerAndSerial(raw: Uint8Array): { issuer: Uint8Array; serial: Uint8Array } {
  const certificate = new DerReader(raw, "certificate").inside(DER.sequence);
  const fields = certificate.inside(DER.sequence);
  fields.value(CONTEXT_0); // version 3
  const serial = der(DER.integer, fields.value(DER.integer));
  fields.value(DER.sequence); // algorithm of the certificate's own signature
  return { issuer: der(DER.sequence, fields.value(DER.sequence)), serial };
}

function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const content = concatBytes(contents);
  return concatBytes([Uint8Array.of(tag), derLength(content.length), content]);
}

function derLength(length: number): Uint8Array {
  if (length < 0x80) return Uint8Array.of(length);
  if (length < 0x100) return Uint8Array.of(0x81, length);
  return Uint8Array.of(0x82, length >> 8, length & 0xff);
}

/** Encodes an object identifier (X.690, section 8.19). */
function oid(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return der(DER.oid, Uint8Array.from([40 * first + second, ...rest.flatMap(base128)]));
}

function base128(value: number): readonly number[] {
  const digits = [value & 0x7f];
  for (let left = value >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}
