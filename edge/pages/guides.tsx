import type { FC } from "hono/jsx";
import type { Sha256Hex } from "../../shared/brand.ts";
import { PageLayout } from "./layout.tsx";

export interface GuideProps {
  /** The address of this feed, with a slash at its end. */
  readonly feed: string;
  /** The SHA-256 of the first root. */
  readonly firstRoot: Sha256Hex;
}

export const InstallPage: FC<GuideProps> = ({ feed, firstRoot }) => (
  <PageLayout title="Install">
    <h1>Install a host</h1>
    <p>
      You need Linux on x86-64 with live patching in its kernel, Node 20.11 or newer, and root privileges.
      Install the <code>rebootless</code> package (.deb, .rpm or tarball), then give it the root of trust:
    </p>
    <pre tabindex={0}>
      {[
        `curl -fsSO ${feed}root/1.root.json`,
        `echo "${firstRoot}  1.root.json" | sha256sum -c    # compare with what the publisher announced`,
        `rebootless init --feed ${feed} --root 1.root.json`,
        "rebootless doctor            # can this host be patched?",
        "rebootless upgrade --dry-run # everything but loading",
        "rebootless upgrade",
      ].join("\n")}
    </pre>
    <p>
      From then on, a timer looks for updates. <code>rebootless status</code> shows those in force, and{" "}
      <code>rebootless undo --all</code> removes them. An update is loaded into the kernel only if it was
      verified against the root and matches the code in memory.
    </p>
  </PageLayout>
);

export const VerifyPage: FC<GuideProps> = ({ feed, firstRoot }) => (
  <PageLayout title="Verify">
    <h1>Verify by hand</h1>
    <p>
      None of this needs our software, or trust in this server. It needs the SHA-256 of the root of trust, as
      the publisher announced it. The first root of this server has <code>{firstRoot}</code>.
    </p>
    <h2>With any TUF client</h2>
    <p>The feed has a standard TUF repository for each kernel, with the build ID in its paths:</p>
    <pre tabindex={0}>
      {[
        `metadata   ${feed}kernels/$ID/metadata/`,
        `targets    ${feed}kernels/$ID/targets/`,
        "target     kernels/$ID.json",
      ].join("\n")}
    </pre>
    <h2>With openssl alone</h2>
    <p>The signatures of targets are Ed25519, made over its signed part as compact JSON with sorted names:</p>
    <pre tabindex={0}>
      {[
        `get() { curl -fsS "${feed}$1"; }`,
        "get root/1.root.json > root.json",
        'echo "$ROOT_SHA256  root.json" | sha256sum -c',
        'get "kernels/$ID/metadata/timestamp.json" > timestamp.json',
        `N=$(jq '.signed.meta["snapshot.json"].version' timestamp.json)`,
        'get "kernels/$ID/metadata/$N.snapshot.json" > snapshot.json',
        `N=$(jq '.signed.meta["targets.json"].version' snapshot.json)`,
        'get "kernels/$ID/metadata/$N.targets.json" > targets.json',
        "jq -cSj .signed targets.json > signed.bin",
        "for key in $(jq -r '.signed.roles.targets.keyids[]' root.json); do",
        `  jq -r --arg key "$key" '.signatures[] | select(.keyid == $key) | .sig' targets.json | xxd -r -p > sig.bin`,
        `  { printf 302a300506032b6570032100; jq -r --arg key "$key" '.signed.keys[$key].keyval.public' root.json; } | xxd -r -p > key.der`,
        "  openssl pkeyutl -verify -pubin -keyform DER -inkey key.der -rawin -in signed.bin -sigfile sig.bin",
        "done",
        `SHA=$(jq -r --arg path "kernels/$ID.json" '.signed.targets[$path].hashes.sha256' targets.json)`,
        'get "kernels/$ID/targets/kernels/$SHA.$ID.json" | sha256sum   # is $SHA; the manifest names each module by its SHA-256',
      ].join("\n")}
    </pre>
    <h2>On a host</h2>
    <pre tabindex={0}>
      {[
        "rebootless verify fix.ko     # who signed it, under which root, until when",
        "rebootless verify --kernel   # whether every function of the running kernel is what it should be",
      ].join("\n")}
    </pre>
  </PageLayout>
);
