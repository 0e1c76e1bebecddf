// The vendor's own client, unchanged, against the stand-in for its API: every call that flowsync has a use for, and what
// it must give. Prints a JSON array of what went otherwise, after a line with the number of calls.
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import client from "@cognigy/rest-api-client";

const { BASE_URL: baseUrl, PROJECT: projectId } = process.env;
const problems = [];
let calls = 0;

const api = new client.RestAPIClient({ baseUrl, maxRetries: 0 });
api.setCredentials({ type: "ApiKey", apiKey: "sandbox-key" });

/** Makes a call, and has a look at what it gave. */
async function call(name, args, look = () => {}) {
  calls += 1;
  try {
    const given = await api[name](args);
    look(given);
    return given;
  } catch (error) {
    problems.push(`${name}: ${error.constructor.name}: ${error.message}`);
    return undefined;
  }
}

/** Makes a call that is to be refused. */
async function refused(name, args, kind) {
  calls += 1;
  try {
    await api[name](args);
    problems.push(`${name}: was not refused`);
  } catch (error) {
    if (error.constructor.name !== kind) problems.push(`${name}: ${error.constructor.name}, not ${kind}: ${error.message}`);
  }
}

/** Waits for a task. */
async function ended(task) {
  for (let tries = 0; task && tries < 100; tries += 1) {
    const now = await call("readTask", { taskId: task._id });
    if (!now || !["queued", "active"].includes(now.status)) return now;
    await sleep(20);
  }
  problems.push("a task does not end");
  return undefined;
}

/** A whole list, as the client pages it. */
async function all(name, args) {
  const items = [];
  let page = await call(name, { ...args, limit: 2 });
  while (page) {
    items.push(...page.items);
    if (!page.nextCursor) break;
    page = await call(name, { ...args, limit: 2, next: page.nextCursor });
  }
  return items;
}

const in_flow = (resourceId) => ({ resourceId, resourceType: "flow" });
const named = (items, name) => items.find((item) => item.name === name || item.label === name);

async function projectsAndLists() {
  await call("indexProjects", { limit: 10 }, ({ items }) => assert.equal(items[0]._id, projectId));
  await call("readProject", { projectId }, ({ name }) => assert.equal(name, "Hotel"));
  for (const name of [
    "indexLexicons", "indexConnections", "indexFunctions", "indexExtensions", "indexLargeLanguageModels",
    "indexKnowledgeStores", "indexSnapshots", "indexPackages", "indexTasks",
  ]) {
    await call(name, { projectId }, ({ items, total }) => assert.equal(items.length, total));
  }
  await call("graphProject", { projectId, dependencies: true, packages: false }, (graph) => {
    const main = named(graph[projectId].resources, "Main");
    assert.deepEqual(main.dependencies.map(({ type }) => type), ["attachedFlow", "flowNode"]);
  });
  const flows = await all("indexFlows", { projectId, sort: "name:asc" });
  assert.deepEqual(flows.map(({ name }) => name), ["Extra", "Main", "Other"]);
  await call("indexFlows", { projectId, filter: "ain" }, ({ total }) => assert.equal(total, 1));
  await call("indexFlows", { projectId, limit: 1, skip: 1 }, ({ items }) => assert.equal(items.length, 1));
  await refused("indexFlows", { projectId, limit: 1000 }, "InvalidArgumentError");
  const [english, german] = await all("indexLocales", { projectId });
  await call("readLocale", { localeId: german._id }, (locale) => assert.equal(locale.fallbackLocaleReference, english._id));
  return { main: named(flows, "Main")._id, other: named(flows, "Other"), english: english._id, german: german._id };
}

async function flowsThemselves({ main, other, english, german }) {
  await call("readFlow", { flowId: main, preferredLocaleId: english }, (flow) => assert.deepEqual(flow.attachedFlows, [other._id]));
  await refused("readFlow", { flowId: "aaaaaaaaaaaaaaaaaaaaaaaa" }, "ResourceNotFoundError");
  const made = await call("createFlow", { projectId, name: "New" }, (flow) => assert.match(flow._id, /^[a-z0-9]{24}$/));
  await call("updateFlow", { flowId: made._id, description: "x", localeId: english });
  await call("readFlow", { flowId: made._id }, ({ description }) => assert.equal(description, "x"));
  await call("readFlowSettings", { flowId: made._id });
  await call("updateFlowSettings", { flowId: made._id, useAttachedFlowsStates: true });
  await call("addFlowLocalization", { flowId: made._id, localeId: german });
  await call("removeFlowLocalization", { flowId: made._id, localeId: german });
  await call("deleteFlow", { flowId: made._id });
  await refused("readFlow", { flowId: made._id }, "ResourceNotFoundError");
}

async function nodes({ main, other, german }) {
  const chart = await call("readChart", { ...in_flow(main), preferredLocaleId: german });
  assert.equal(chart.nodes.length, chart.relations.length);
  const listed = await all("indexChartNodes", in_flow(main));
  assert.equal(listed.length, chart.nodes.length);
  await call("indexNodeDescriptors", in_flow(main), ({ items }) => assert.ok(named(items, "switch") || items.length));
  const node = (label) => ({ ...in_flow(main), nodeId: named(chart.nodes, label)._id });
  await call("readChartNode", { ...node("Greet"), preferredLocaleId: german }, ({ config }) => {
    assert.deepEqual(config.say.text, ["Hallo"]);
  });
  const target = node("Greet").nodeId;
  const say = { type: "say", extension: "@cognigy/basic-nodes", label: "New", mode: "append", target };
  const made = await call("createChartNode", { ...in_flow(main), ...say }, ({ type, config }) => {
    assert.equal(type, "say");
    assert.ok(config.say);
  });
  const it = { ...in_flow(main), nodeId: made._id };
  const words = { say: { type: "text", text: ["Hi"] } };
  await call("updateChartNode", { ...it, label: "Newer", config: words });
  await call("readChartNode", it, ({ label, config }) => assert.deepEqual([label, config], ["Newer", words]));
  await refused("updateChartNode", { ...it, config: { colour: "red" } }, "InvalidArgumentError");
  await call("addChartNodeLocalization", { ...it, localeId: german });
  await call("updateChartNode", { ...it, localeId: german, config: { say: { type: "text", text: ["Na"] } } });
  await call("removeChartNodeLocalization", { ...it, localeId: german });
  await call("moveChartNode", { ...it, mode: "append", target: node("Count").nodeId });
  await call("readChart", in_flow(main), ({ relations }) => {
    assert.equal(relations.find((one) => one.node === node("Count").nodeId).next, made._id);
  });
  await call("deleteChartNode", it);
  await refused("readChartNode", it, "ResourceNotFoundError");
  await refused("createChartNode", { ...in_flow(other._id), ...say }, "ResourceNotFoundError");
}

async function intents({ main, english }) {
  const it = { flowId: main };
  await call("indexIntents", { ...it, includeChildren: true, preferredLocaleId: english }, ({ total }) => assert.equal(total, 2));
  const exported = await call("exportIntents", { ...it, localeId: english, format: "json" });
  const file = Buffer.from(JSON.stringify([...exported, { name: "third", exampleSentences: ["three"] }]));
  const task = await ended(await call("importIntents", { ...it, localeId: english, mode: "overwrite", file, fileName: "intents.json" }));
  assert.equal(task.status, "done");
  await call("indexIntents", it, ({ total }) => assert.equal(total, 3));
  assert.equal((await ended(await call("trainIntents", { ...it, localeId: english, mode: "full" }))).status, "done");
}

async function packages({ main, english, german }) {
  const packed = await ended(await call("createPackage", { projectId, name: "p", resourceIds: [main] }));
  const { packageId } = packed.data;
  await call("readPackage", { packageId }, ({ name }) => assert.equal(name, "p"));
  const { downloadLink } = await call("composePackageDownloadLink", { packageId });
  const bytes = Buffer.from(await (await fetch(downloadLink)).arrayBuffer());
  const uploaded = await ended(await call("uploadPackage", { projectId, file: bytes, fileName: "p.zip" }));
  const graph = await call("graphProject", { projectId, packages: true, dependencies: true });
  const inside = graph[uploaded.data.packageId].resources;
  const [flow, first, second] = ["Main", "en-US", "de-DE"].map((name) => named(inside, name)._id);
  const localeMapping = [
    { agentLocaleId: english, packageLocaleId: first },
    { agentLocaleId: german, packageLocaleId: second },
  ];
  const strategies = [{ _id: flow, autoRename: false, identityConflictStrategy: "replace" }];
  const merge = { packageId: uploaded.data.packageId, resourceIds: [flow], localeMapping, strategies };
  assert.equal((await ended(await call("mergePackage", merge))).status, "done");
  await refused("mergePackage", { ...merge, resourceIds: [] }, "InvalidArgumentError");
  await call("deletePackage", { packageId });
}

async function snapshots({ other }) {
  const body = { projectId, name: "first", description: "x" };
  assert.equal((await ended(await call("createSnapshot", body))).status, "done");
  await refused("createSnapshot", body, "ConflictError");
  const snapshot = (await all("indexSnapshots", { projectId }))[0];
  await call("readSnapshot", { snapshotId: snapshot._id }, ({ name }) => assert.equal(name, "first"));
  await call("indexResourcesInSnapshot", { snapshotId: snapshot._id, resourceType: "flow" }, ({ total }) => assert.equal(total, 3));
  const endpoint = (await all("indexEndpoints", { projectId }))[0];
  await call("readEndpoint", { endpointId: endpoint._id }, ({ entrypoint }) => assert.equal(entrypoint, projectId));
  await call("updateEndpoint", { endpointId: endpoint._id, entrypoint: snapshot._id, flowId: other.referenceId });
  await refused("deleteSnapshot", { snapshotId: snapshot._id }, "ConflictError");
  await call("updateEndpoint", { endpointId: endpoint._id, entrypoint: projectId });
  const restored = await ended(await call("restoreSnapshot", { snapshotId: snapshot._id, projectId }));
  assert.equal(restored.status, "done");
  await call("deleteSnapshot", { snapshotId: snapshot._id });
}

async function run() {
  const found = await projectsAndLists();
  for (const part of [flowsThemselves, nodes, intents, packages, snapshots]) {
    await part(found);
  }
}

await run().catch((error) => problems.push(`${error.stack}`));
console.log(calls);
console.log(JSON.stringify(problems));
