/**
 * The one style sheet. It is part of the page, which saves a request. The page's policy names its digest, so that nothing
 * else can style or script the page. Colours have a contrast of 4.5 or more in both schemes (WCAG 2.2, 1.4.3).
 */
export const STYLE = `
:root{color-scheme:light dark;--ground:#fbfaf8;--raised:#fff;--ink:#1c1b19;--soft:#5d5952;--line:#ded9d0;--mark:#0b5d4e;--on-mark:#fff;--bad:#a3261b;--good:#0b5d4e;--mono:ui-monospace,"SFMono-Regular",Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{--ground:#141513;--raised:#1c1e1b;--ink:#ecebe6;--soft:#a9a69d;--line:#34362f;--mark:#6fd3b8;--on-mark:#0c1512;--bad:#ff9b8f;--good:#6fd3b8}}
*{box-sizing:border-box}
html{font:17px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;background:var(--ground);color:var(--ink);-webkit-text-size-adjust:100%}
body{margin:0}
a{color:var(--mark);text-underline-offset:.18em}
:focus-visible{outline:3px solid var(--mark);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-100vw}
.skip:focus{left:1rem;top:1rem;background:var(--raised);padding:.5rem 1rem;z-index:1}
header,main,footer{max-width:62rem;margin:0 auto;padding:0 1.25rem}
header{display:flex;flex-wrap:wrap;gap:.4rem 1.6rem;align-items:baseline;padding-top:1.3rem;padding-bottom:1.1rem;border-bottom:1px solid var(--line)}
header .name{font-weight:700;font-size:1.15rem;letter-spacing:-.01em;color:var(--ink);text-decoration:none;margin-right:auto}
nav ul{display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;list-style:none;margin:0;padding:0}
main{padding-top:1.6rem;padding-bottom:3rem}
h1{font-size:clamp(1.6rem,5vw,2.3rem);line-height:1.15;letter-spacing:-.02em;margin:.6rem 0 1rem;overflow-wrap:anywhere}
h2{font-size:1.25rem;letter-spacing:-.01em;margin:2.4rem 0 .7rem}
p{max-width:44rem}
.lead{font-size:1.15rem;color:var(--soft)}
.soft{color:var(--soft)}
code,pre,.mono{font-family:var(--mono);font-size:.87em}
code{overflow-wrap:anywhere}
.digest span{display:inline-block;margin-right:.45em}
pre{background:var(--raised);border:1px solid var(--line);border-radius:8px;padding:.9rem 1rem;overflow-x:auto;line-height:1.5}
form.search{display:flex;flex-wrap:wrap;gap:.6rem;margin:1.4rem 0}
form.search label{flex-basis:100%;font-weight:600}
input{flex:1 1 18rem;min-width:0;font:inherit;font-family:var(--mono);font-size:.95rem;padding:.65rem .8rem;border:1px solid var(--soft);border-radius:8px;background:var(--raised);color:var(--ink)}
button{font:inherit;font-weight:600;padding:.65rem 1.3rem;border:0;border-radius:8px;background:var(--mark);color:var(--on-mark);cursor:pointer}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--raised)}
table{border-collapse:collapse;width:100%}
caption{text-align:left;padding:.7rem 1rem;color:var(--soft);font-size:.9rem}
th,td{text-align:left;vertical-align:top;padding:.55rem 1rem;border-top:1px solid var(--line)}
thead th{font-size:.82rem;color:var(--soft);font-weight:600;white-space:nowrap}
tbody th{white-space:nowrap}
td.number{text-align:right;font-variant-numeric:tabular-nums}
dl{display:grid;grid-template-columns:minmax(8rem,auto) 1fr;gap:.45rem 1.4rem;margin:1rem 0}
dt{color:var(--soft)}
dd{margin:0;overflow-wrap:anywhere}
.update{border:1px solid var(--line);border-radius:10px;background:var(--raised);padding:1rem 1.2rem;margin:.9rem 0}
.update h3{margin:0 0 .2rem;font-size:1.05rem;overflow-wrap:anywhere}
.update p{margin:.2rem 0}
.tag{display:inline-block;font-size:.8rem;font-weight:600;border:1px solid currentColor;border-radius:999px;padding:0 .6rem;margin-right:.4rem}
.good{color:var(--good)}
.bad{color:var(--bad)}
footer{border-top:1px solid var(--line);padding-top:1rem;padding-bottom:2rem;color:var(--soft);font-size:.9rem}
@media (max-width:34rem){dl{grid-template-columns:1fr;gap:0 0}dd{margin-bottom:.6rem}th,td{padding:.5rem .7rem}}
@media print{header nav,form{display:none}}
`;
