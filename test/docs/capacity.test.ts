import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";

const text = await readFile("docs/capacity.md", "utf8");
const section = (title: string): string => text.split(`## ${title}\n`)[1]?.split("\n## ")[0] ?? "";
const rows = (title: string): readonly (readonly string[])[] =>
  section(title)
    .split("\n")
    .filter((line) => line.startsWith("| "))
    .slice(1)
    .map((line) =>
      line
        .split("|")
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );

const given = new Map(rows("Inputs").map(([name = "", value]) => [name, Number(value)]));
const input = (name: string): number => {
  const value = given.get(name);
  if (value === undefined || !Number.isFinite(value))
    throw new Error(`docs/capacity.md has no input ${name}`);
  return value;
};

const MILLION = 1_000_000;
const above = (free: number, count: number) => Math.max(0, count - free);

/** The formula of docs/capacity.md, line by line. */
function model(hosts: number, remembered = input("remembered")) {
  const polls = (hosts * 720) / input("interval_hours");
  const changed = hosts * (input("publishes") + input("renewals"));
  const unchanged = polls - changed;
  const artifacts = hosts * input("publishes");
  const requests = polls + artifacts;
  const peak = hosts / (input("window_hours") * 3600);
  const down =
    unchanged * input("bytes_unchanged") +
    changed * input("bytes_changed") +
    artifacts * input("bytes_artifact");
  const cpu = unchanged * input("cpu_unchanged_ms") + (changed + artifacts) * input("cpu_changed_ms");
  const classB = unchanged * (1 - remembered) + changed * 2 + artifacts + input("isolates") * 43_200;
  const kernels = input("kernels");
  const classA = kernels * (input("publishes") * 3 + input("renewals") * 2) + (180 * kernels) / 500;
  const objects = kernels * (input("publishes") * 4 + input("renewals"));
  const cost = {
    requests: (above(10 * MILLION, requests) / MILLION) * input("price_request"),
    cpu: (above(30 * MILLION, cpu) / MILLION) * input("price_cpu"),
    classA: (above(MILLION, classA) / MILLION) * input("price_class_a"),
    classB: (above(10 * MILLION, classB) / MILLION) * input("price_class_b"),
    objects: (above(MILLION, objects) / MILLION) * input("price_object"),
  };
  const all = Object.values(cost).reduce((sum, one) => sum + one, input("price_plan"));
  return { polls, peak, requests, classA, classB, objects, down, cost, all };
}

const millions = (count: number) => (count / MILLION).toFixed(2);
const money = (dollars: number) => dollars.toFixed(2);

function row(hosts: number): readonly string[] {
  const { polls, peak, requests, classB, down, cost, all } = model(hosts);
  return [
    hosts.toLocaleString("en"),
    Math.round(polls / 30).toLocaleString("en"),
    peak.toFixed(1),
    millions(requests),
    millions(classB),
    (down / 1e9).toFixed(1),
    money(cost.requests),
    money(cost.cpu),
    money(cost.classB),
    money(all),
    money(model(hosts, 0.9).all),
  ];
}

describe("docs/capacity.md", () => {
  it("has results that follow from its inputs", () => {
    expect(rows("Results")).toEqual([1_000, 100_000, 1_000_000, 10_000_000].map(row));
  });

  it("says what is written, whatever the hosts", () => {
    const { classA, objects } = model(0);
    expect(section("Results")).toContain(
      `${millions(classA)} million of class A and ${millions(objects)} million`,
    );
    expect(Math.max(classA, objects)).toBeLessThan(MILLION);
  });

  it("says where the free plan ends", () => {
    expect(Math.floor(100_000 / (24 / input("interval_hours")) / 100) * 100).toBe(16_600);
    expect(text).toContain("16,600 hosts");
  });
});
