/**
 * The style sheet of the page. The page's policy names its digest, so that nothing else can style the page. Colours have
 * a contrast of 4.5 or more in both schemes (WCAG 2.2, 1.4.3).
 */
export const PAGE_STYLE = `
:root{color-scheme:light dark;--ground:#fbfaf8;--raised:#fff;--ink:#1c1b19;--soft:#5d5952;--line:#ded9d0;--good:#0b5d4e;--bad:#a3261b;--head:#3b4a8c;--add:#e2f3e6;--add-ink:#0c4a1d;--cut:#fbe6e3;--cut-ink:#7d1c12}
@media (prefers-color-scheme:dark){:root{--ground:#141513;--raised:#1c1e1b;--ink:#ecebe6;--soft:#a9a69d;--line:#34362f;--good:#6fd3b8;--bad:#ff9b8f;--head:#a9b8ff;--add:#16301d;--add-ink:#b4ebc2;--cut:#3a1c18;--cut-ink:#ffc4bb}}
*{box-sizing:border-box}
html{font:16px/1.5 system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;background:var(--ground);color:var(--ink)}
body{margin:0 auto;max-width:100rem;padding:1.2rem 1.4rem 4rem}
h1{font-size:1.7rem;line-height:1.2;margin:.2rem 0 .6rem;overflow-wrap:anywhere}
h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-bottom:1px solid var(--line);padding-bottom:.3rem}
h3{font-size:1rem;margin:1.4rem 0 .4rem;overflow-wrap:anywhere}
p,li{max-width:60rem;overflow-wrap:anywhere}
ul{padding-left:1.3rem}
code,pre,.code{font:.82rem/1.5 ui-monospace,"SFMono-Regular",Menlo,Consolas,"DejaVu Sans Mono",monospace}
a{color:inherit}
a:focus-visible,summary:focus-visible,.scroll:focus-visible{outline:3px solid var(--good);outline-offset:2px}
.soft{color:var(--soft)}
h3 .soft{font-weight:400;font-size:.9rem}
h3 code{font-size:.9rem;font-weight:700}
.good{color:var(--good)}
.bad{color:var(--bad)}
.outcome{font-weight:700}
dl{display:grid;grid-template-columns:minmax(7rem,auto) 1fr;gap:.25rem 1.2rem;margin:.6rem 0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
.scroll{background:var(--raised);border:1px solid var(--line);border-radius:6px;overflow-x:auto;margin:.5rem 0}
pre{margin:0;padding:.6rem .8rem;tab-size:8;white-space:pre}
pre span{display:block;min-width:max-content;min-height:1.5em}
.add{background:var(--add);color:var(--add-ink)}
.cut{background:var(--cut);color:var(--cut-ink)}
.head{color:var(--head)}
.file{font-weight:700}
.refusal{border:1px solid var(--line);border-left:4px solid var(--bad);border-radius:6px;background:var(--raised);padding:.4rem 1rem .7rem;margin:.8rem 0}
.refusal p{margin:.3rem 0}
table{border-collapse:collapse;table-layout:fixed;width:100%;min-width:52rem}
th{color:var(--soft);text-align:left;font-weight:600;font-size:.8rem;padding:.2rem .5rem}
td{vertical-align:top;padding:0 .5rem;white-space:pre-wrap;overflow-wrap:anywhere}
.at{width:4.2rem;text-align:right;color:var(--soft)}
td.at+td:nth-child(2){border-right:1px solid var(--line)}
td small{display:block;color:inherit;padding-left:1.5rem;font-size:.95em}
details{border-top:1px dashed var(--line)}
summary{cursor:pointer;color:var(--soft);padding:.15rem .8rem;font-size:.85rem}
@media print{body{max-width:none}details,table{break-inside:avoid}}
`;
