import assert from "node:assert/strict";
import test from "node:test";
import fc from "fast-check";
import { createAdmission } from "../../sandbox/api-server/admission.ts";
import { manualClock } from "../../sandbox/api-server/clock.ts";
import { kindNamed } from "../../sandbox/api-server/kind.ts";
import { fromFieldsV1 } from "../../sandbox/api-server/managed-fields.ts";
import type { StoredObject } from "../../sandbox/api-server/object.ts";
import { createObjects } from "../../sandbox/api-server/objects.ts";
import { ApiError } from "../../sandbox/api-server/status.ts";
import { createStore } from "../../sandbox/api-server/store.ts";

const namespaces = kindNamed("namespaces");
const configMaps = kindNamed("configmaps");

function world() {
  const objects = createObjects(createStore(), createAdmission(), manualClock());
  objects.create({ kind: namespaces, version: "v1", manager: "test" }, { metadata: { name: "shop" } });
  const context = (manager: string) => ({ kind: configMaps, version: "v1", namespace: "shop", manager });
  return {
    apply: (manager: string, data: Data, force: boolean) =>
      objects.apply(
        context(manager),
        "c",
        { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "c" }, data },
        force,
      ).object,
    update: (manager: string, data: Data) => objects.patch(context(manager), "c", (present) => ({ ...present, data })),
  };
}

type Data = Readonly<Record<string, string>>;

/** Who has which field, by the rules of server-side apply in a few words. */
type Model = { readonly data: Data; readonly owners: Readonly<Record<string, ReadonlySet<string>>> };

function applied({ data, owners }: Model, manager: string, wanted: Data, force: boolean): Model | "conflict" {
  const others = Object.entries(owners).filter(([name]) => name !== manager);
  const contested = Object.keys(wanted).filter(
    (key) => key in data && data[key] !== wanted[key] && others.some(([, fields]) => fields.has(key)),
  );
  if (contested.length > 0 && !force) return "conflict";
  const mine = owners[manager] ?? new Set();
  const dropped = [...mine].filter((key) => !(key in wanted) && !others.some(([, fields]) => fields.has(key)));
  return {
    data: Object.fromEntries(Object.entries({ ...data, ...wanted }).filter(([key]) => !dropped.includes(key))),
    owners: {
      ...Object.fromEntries(
        others.map(([name, fields]) => [name, new Set([...fields].filter((key) => !contested.includes(key)))]),
      ),
      [manager]: new Set(Object.keys(wanted)),
    },
  };
}

const ownersOf = ({ metadata }: StoredObject): Readonly<Record<string, ReadonlySet<string>>> =>
  Object.fromEntries(
    (metadata.managedFields ?? []).map(({ manager, fieldsV1 }) => [
      manager,
      new Set([...fromFieldsV1(fieldsV1)].map((path) => path.split("\u0000")[1]?.slice(2) ?? "")),
    ]),
  );

const withoutEmpty = (owners: Readonly<Record<string, ReadonlySet<string>>>) =>
  Object.fromEntries(
    Object.entries(owners)
      .map(([name, fields]) => [name, new Set([...fields].filter((key) => key !== ""))] as const)
      .filter(([, fields]) => fields.size > 0),
  );

const data = fc.dictionary(fc.constantFrom("a", "b", "c", "d"), fc.constantFrom("1", "2"), { minKeys: 1 });

test("any row of applies by several managers ends with the fields and owners that the rules give", () => {
  const step = fc.record({ manager: fc.constantFrom("one", "two", "three"), wanted: data, force: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      const { apply } = world();
      let model: Model = { data: {}, owners: {} };
      for (const { manager, wanted, force } of steps) {
        const next = applied(model, manager, wanted, force);
        if (next === "conflict") {
          assert.throws(
            () => apply(manager, wanted, force),
            (error: unknown) => error instanceof ApiError && error.code === 409,
          );
          continue;
        }
        model = next;
        const object = apply(manager, wanted, force);
        assert.deepEqual(object.data, model.data);
        assert.deepEqual(withoutEmpty(ownersOf(object)), withoutEmpty(model.owners));
      }
    }),
    { numRuns: 200 },
  );
});

test("an apply that is repeated changes nothing, not even the version", () => {
  fc.assert(
    fc.property(data, data, (first, second) => {
      const { apply, update } = world();
      apply("one", first, false);
      update("two", { ...first, ...second });
      const once = apply("one", first, true);
      assert.deepEqual(apply("one", first, true), once);
    }),
  );
});
