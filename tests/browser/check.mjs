// Renders charts and comments as browsers and forges do, and says what is wrong with them.
//
// In: {"charts": ["flowchart TD …"], "pages": ["markdown"], "strange": "a word that only flows say"}.
// Out: a list of problems, each a text; empty where all is well.

import { JSDOM } from 'jsdom';

const dom = new JSDOM('<!doctype html><body></body>');
globalThis.window = dom.window;
globalThis.document = dom.window.document;
const { default: mermaid } = await import('mermaid');
const { micromark } = await import('micromark');
const { gfm, gfmHtml } = await import('micromark-extension-gfm');
mermaid.initialize({ startOnLoad: false, securityLevel: 'strict' });

const problems = [];
const complain = (what, where) => problems.push(`${what}\n${where}`);

// A chart is what its lines say, and nothing of what its labels say.
async function checkChart(text) {
  let parsed, drawn;
  try {
    parsed = await mermaid.parse(text);
    drawn = (await mermaid.mermaidAPI.getDiagramFromText(text)).db;
  } catch (error) {
    return complain(`the chart cannot be parsed: ${error}`, text);
  }
  const lines = text.split('\n');
  const nodes = lines.filter((line) => /^  \w+[[({]/.test(line)).map((line) => /\w+/.exec(line)[0]);
  const edges = lines.filter((line) => /^  \w+ (-->|==>|-\.->)/.test(line));
  const others = lines.filter((line) => !/^(flowchart TD|  \w+[[({].*|  \w+ (-->|==>|-\.->).*|  (classDef|class|linkStyle) .*|)$/.test(line));
  const vertices = [...drawn.getVertices().values()];
  if (JSON.stringify(parsed.config) !== '{}') complain('a directive was obeyed', text);
  if (others.length > 0) complain(`lines of no kind: ${others}`, text);
  if (vertices.map((vertex) => vertex.id).sort().join() !== nodes.sort().join()) complain('other nodes than the lines say', text);
  if (drawn.getEdges().length !== edges.length) complain('other edges than the lines say', text);
  if (drawn.getSubGraphs().length > 0) complain('a subgraph', text);
  if (vertices.some((vertex) => vertex.link || vertex.haveCallback || vertex.linkTarget)) complain('a link', text);
  const labels = vertices.map((vertex) => vertex.text).concat(drawn.getEdges().map((edge) => edge.text));
  if (vertices.some((vertex) => vertex.labelType !== 'string')) complain('a label that is Markdown', text);
  for (const label of labels) {
    if (/[`<>*_~$"\\]/.test(label.replaceAll('<br>', '').replaceAll('<br/>', ''))) complain(`markup in ${label}`, text);
  }
}

// Elements of ours; everything else came from a flow.
const OURS = new Set(['H3', 'P', 'STRONG', 'EM', 'CODE', 'PRE', 'UL', 'LI', 'DETAILS', 'SUMMARY', 'B', 'BLOCKQUOTE']);
// What forges make links, mentions, references or pictures of after Markdown was rendered.
const LIVELY = /@\w|#\d|\bGH-\d|https?:|www\.|:\w+:|!\d|~\w|\$\w|&\w|^\/\w/m;

async function checkPage(markdown, strange) {
  const html = micromark(markdown, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });
  const page = new JSDOM(html).window.document;
  for (const element of page.body.querySelectorAll('*')) {
    if (!OURS.has(element.tagName)) complain(`an element <${element.tagName.toLowerCase()}>`, element.outerHTML);
    const attributes = element.getAttributeNames().filter((name) => name !== 'class');
    if (attributes.length > 0) complain(`attributes ${attributes}`, element.outerHTML);
  }
  const comments = page.createNodeIterator(page, dom.window.NodeFilter.SHOW_COMMENT);
  let n_comments = 0;
  while (comments.nextNode()) n_comments += 1;
  if (n_comments !== 1) complain(`${n_comments} comments instead of the marker alone`, html.slice(0, 2000));
  const texts = page.createNodeIterator(page.body, dom.window.NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node !== null; node = texts.nextNode()) {
    if (node.parentElement.closest('code, pre') !== null) continue;
    if (node.data.includes(strange)) complain('a flow speaks outside of code', node.data);
    if (LIVELY.test(node.data)) complain('something a forge makes alive', node.data);
  }
  const charts = [...page.querySelectorAll('code.language-mermaid')];
  if (charts.length !== (markdown.match(/^```mermaid$/gm) ?? []).length) complain('other charts than were written', markdown);
  for (const chart of charts) await checkChart(chart.textContent);
}

const chunks = [];
for await (const chunk of process.stdin) chunks.push(chunk);
const { charts, pages, strange } = JSON.parse(Buffer.concat(chunks).toString());
for (const chart of charts) await checkChart(chart);
for (const page of pages) await checkPage(page, strange);
console.log(JSON.stringify(problems));
