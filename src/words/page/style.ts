/** Colours that are told apart without seeing colours, too: stable is dashed. Light, dark, narrow, printed. */
export const style = `
:root { color-scheme: light dark; --text: #1f2328; --dim: #59636e; --line: #d1d9e0; --back: #fff; --canary: #c2410c; --stable: #1d4ed8; --proof: #7e22ce; }
@media (prefers-color-scheme: dark) { :root { --text: #e6edf3; --dim: #9198a1; --line: #3d444d; --back: #0d1117; --canary: #fb923c; --stable: #7cb1ff; --proof: #d0a2ff; } }
body { margin: 0; background: var(--back); color: var(--text); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 820px; margin: 0 auto; padding: 16px; }
h1 { font-size: 1.3rem; line-height: 1.3; } h2 { font-size: 1.05rem; margin: 1.6em 0 .4em; }
code { overflow-wrap: anywhere; } a { color: var(--stable); }
.reason { font-size: 1.05rem; border-left: 4px solid var(--canary); padding-left: 12px; }
.figures { display: flex; flex-wrap: wrap; gap: 8px 28px; margin: 16px 0; } .figures div { display: flex; flex-direction: column-reverse; }
.figures dd { margin: 0; font-size: 1.5rem; font-weight: 600; } .figures dt { color: var(--dim); font-size: .85rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th, td { text-align: left; vertical-align: top; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); font-weight: inherit; } thead th { color: var(--dim); } tbody th { white-space: nowrap; font-weight: 600; } .gates ul { list-style: none; margin: 0; padding: 0; } tr:has(+ .gates) > * { border: 0; }
figure { margin: 22px 0 0; break-inside: avoid; } figcaption { font-size: .9rem; } svg { width: 100%; height: auto; display: block; }
.key { color: var(--dim); margin-left: 10px; white-space: nowrap; } .key svg { display: inline-block; width: 28px; height: 8px; margin-right: 4px; }
svg text { font-size: 11px; fill: var(--dim); } .end { text-anchor: end; } .middle { text-anchor: middle; }
.grid { stroke: var(--line); fill: none; } .decision { stroke: var(--dim); stroke-dasharray: 1 3; fill: none; } .bound { stroke: var(--dim); stroke-dasharray: 6 3; fill: none; }
.line { fill: none; stroke-width: 2; } .line.thin { stroke-width: 1; } .band { fill-opacity: .13; stroke: none; }
.line.canary { stroke: var(--canary); } .line.stable { stroke: var(--stable); stroke-dasharray: 5 3; } .line.plan { stroke: var(--dim); stroke-dasharray: 2 2; } .line.proof { stroke: var(--proof); stroke-dasharray: 9 3; }
.band.canary, circle.canary { fill: var(--canary); } .band.stable, circle.stable { fill: var(--stable); } .band.plan, .band.proof { fill: none; } circle.plan { fill: var(--dim); } circle.proof { fill: var(--proof); }
.decisions { padding-left: 2.2em; } .decisions time { color: var(--dim); font-variant-numeric: tabular-nums; } details { margin-top: 14px; } summary { cursor: pointer; }
@media print { details > * { display: block; } main { max-width: none; } }
`;
