import { describe, expect, it } from "vitest";
import {
  archiveSettings,
  commandInRoot,
  debstrapArguments,
  rootPackages,
} from "../../../../publisher/create/builder/root_contents.ts";

describe("a build root", () => {
  it("is asked for with exactly one version of the compiler", () => {
    const packages = rootPackages({ name: "gcc-14", version: "14.2.0-19" });
    expect(packages[0]).toBe("gcc-14=14.2.0-19");
    expect(packages).toEqual(expect.arrayContaining(["make", "flex", "libelf-dev"]));
    const args = debstrapArguments(packages, {
      codename: "trixie",
      folder: "/c/made",
      sources: "/c/root.sources",
      settings: [],
    });
    expect(args.slice(-3)).toEqual(["trixie", "/c/made", "/c/root.sources"]);
    expect(args).toContain(`--include=${packages.join(",")}`);
    // Nothing of the packages runs.
    expect(args).toContain("--variant=extract");
  });

  it("is fetched as this machine's apt fetches: by its proxy, and with its rule for expired lists", () => {
    const dump = `Acquire::Check-Valid-Until "false";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128/";
Acquire::https::Proxy "";
Acquire::https::Proxy::deb.example.org "DIRECT";
Acquire::http::Pipeline-Depth "5";
`;
    const settings = archiveSettings(dump);
    expect(settings).toEqual([
      'Acquire::Check-Valid-Until "false";',
      'Acquire::http::Proxy "http://proxy.example:3128/";',
      'Acquire::https::Proxy::deb.example.org "DIRECT";',
    ]);
    const args = debstrapArguments([], { codename: "trixie", folder: "f", sources: "s", settings });
    expect(args).toContain(`--aptopt=${settings[0]}`);
  });

  const words = commandInRoot("/c/roots/r/root", { source: "/s/linux", work: "/c/trees/t" });
  const wordsAfter = (option: string): readonly string[] =>
    words.flatMap((word, index) => (word === option ? [words.slice(index + 1, index + 3).join(" ")] : []));

  it("has no network, no rights and no variables of this process", () => {
    expect(words[0]).toBe("bwrap");
    expect(words).toEqual(
      expect.arrayContaining(["--unshare-all", "--die-with-parent", "--new-session", "--clearenv"]),
    );
    expect(words).not.toContain("--share-net");
    expect(wordsAfter("--cap-drop")).toEqual(["ALL --clearenv"]);
    expect(wordsAfter("--setenv")).toEqual(["PATH /usr/sbin:/usr/bin", "HOME /"]);
    expect(words.at(-1)).toBe("--");
  });

  it("lets programs write to the prepared tree alone, at the path that it has here", () => {
    expect(wordsAfter("--bind")).toEqual(["/c/trees/t /c/trees/t"]);
    expect(wordsAfter("--ro-bind")).toEqual(["/c/roots/r/root/etc /etc", "/s/linux /s/linux"]);
    expect(commandInRoot("/c/roots/r/root", undefined)).not.toContain("--bind");
  });

  it("leaves /usr/src and /usr/local to sources and caches", () => {
    const bound = wordsAfter("--ro-bind-try").map((pair) => pair.split(" ")[1]);
    expect(bound).toContain("/usr/bin");
    expect(bound).not.toContain("/usr/src");
    expect(bound).not.toContain("/usr");
  });
});
