import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

export interface Certificate {
  readonly key: Buffer;
  readonly cert: Buffer;
  /** Where the certificate lies, for NODE_EXTRA_CA_CERTS. */
  readonly file: string;
}

/** Makes a certificate for 127.0.0.1 that signs itself, with a key on P-256 as most public feeds have. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const [keyFile, file] = [join(folder, "tls_key.pem"), join(folder, "tls_certificate.pem")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
  const name = ["-subj", "/CN=rebootless bench", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", ...kind, "-keyout", keyFile, "-out", file, ...name], { stdio: "pipe" });
  return { key: await readFile(keyFile), cert: await readFile(file), file };
}
