"""The look of the page: one style sheet, without anything from outside.

Belongs here: CSS. Does not belong here: the page's content (`html.py`).
"""

CSS = """
:root {
  --ink: #1d2430; --soft: #5b6573; --paper: #ffffff; --panel: #f5f6f8; --line: #dfe3e8;
  --accent: #2f5f9e; --good: #1f7a55; --bad: #b3261e; --warn: #93590a;
  color-scheme: light dark;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ink: #e4e8ee; --soft: #9aa5b4; --paper: #14181e; --panel: #1d232b; --line: #323a45;
    --accent: #8db4e8; --good: #6cc7a0; --bad: #f2938c; --warn: #e2ae62;
  }
}
* { box-sizing: border-box; }
html { scroll-behavior: smooth; scroll-padding-top: 1rem; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans",
    Arial, sans-serif;
}
.page {
  max-width: 74rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem;
  display: grid; grid-template-columns: 11rem minmax(0, 54rem); column-gap: 3.5rem;
}
header { grid-column: 1 / -1; margin-bottom: 2.5rem; }
h1 { margin: 0; font-size: 1rem; font-weight: 600; color: var(--soft); }
header .outcome {
  margin: .5rem 0 1rem; max-width: 58rem;
  font-size: 1.65rem; line-height: 1.3; font-weight: 600; letter-spacing: -.01em;
}
header .about {
  margin: 0; max-width: none; color: var(--soft); font-size: .9rem; overflow-wrap: anywhere;
}
.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr));
  gap: .75rem; margin: 1.75rem 0 0;
}
.tile { background: var(--panel); border-radius: 8px; padding: .8rem 1rem; }
.tile dt { font-size: .82rem; color: var(--soft); }
.tile dd { margin: .1rem 0 0; font-size: 1.3rem; font-weight: 600; line-height: 1.3; }
.tile dd.note { font-size: .82rem; font-weight: 400; margin: 0; }
nav { font-size: .9rem; }
nav ol { list-style: none; margin: 0; padding: 0; position: sticky; top: 1.5rem; }
nav li { margin: 0 0 .45rem; }
nav a { color: var(--soft); text-decoration: none; }
nav a:hover { color: var(--accent); text-decoration: underline; }
section { margin: 0 0 3.25rem; }
h2 {
  margin: 0 0 .7rem; padding-bottom: .35rem; border-bottom: 1px solid var(--line);
  font-size: 1.25rem; line-height: 1.3;
}
p { margin: 0 0 .8rem; max-width: 46rem; }
p.finding { font-size: 1.05rem; font-weight: 600; }
p.note { color: var(--soft); font-size: .9rem; }
.wide { overflow-x: auto; margin: 0 0 1.2rem; }
table { border-collapse: collapse; width: 100%; font-size: .88rem; line-height: 1.4; }
th, td { padding: .38rem .9rem .38rem 0; text-align: left; vertical-align: top; }
th:last-child, td:last-child { padding-right: 0; }
th {
  color: var(--soft); font-weight: 600; vertical-align: bottom;
  border-bottom: 1px solid var(--line);
}
td { border-bottom: 1px solid var(--line); }
tbody tr:last-child td { border-bottom: 0; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
td.number, .days { white-space: nowrap; }
ul.lines { list-style: none; margin: 0; padding: 0; }
summary { color: var(--soft); cursor: pointer; margin: .6rem 0; }
small { display: block; color: var(--soft); font-size: .9em; }
.good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
figure { margin: 0 0 1.2rem; }
img {
  display: block; max-width: 100%; height: auto;
  background: #ffffff; border-radius: 6px;
}
@media (prefers-color-scheme: dark) { img { padding: 10px; } }
@media (max-width: 68rem) {
  .page { grid-template-columns: minmax(0, 1fr); padding-top: 1.5rem; }
  nav { margin-bottom: 2rem; }
  nav ol { position: static; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; }
  header .outcome { font-size: 1.35rem; }
}
@media print {
  :root {
    --ink: #000000; --soft: #444444; --paper: #ffffff; --panel: #f5f6f8; --line: #cccccc;
    --good: #1f7a55; --bad: #b3261e; --warn: #93590a;
  }
  body { font-size: 10.5pt; }
  .page { display: block; padding: 0; max-width: none; }
  nav { display: none; }
  img { padding: 0; }
  section { margin-bottom: 1.8rem; }
  h2, p.finding { break-after: avoid; }
  tr, figure, .tile { break-inside: avoid; }
  .wide { overflow: visible; }
  table { font-size: 8pt; }
  th, td { padding-right: .6rem; }
  .tiles { grid-template-columns: repeat(4, 1fr); }
  .tile dd { font-size: 11pt; }
}
"""
