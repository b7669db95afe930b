/** The one stylesheet of the pages. The content security policy allows it by its hash, and nothing else. */
export const stylesheet = `
:root {
  color-scheme: light dark;
  --ground: #f4f5f7; --card: #fff; --ink: #1b1f24; --soft: #57606a; --line: #d5dae0;
  --blue: #0b57a4; --green: #176b39; --red: #a8201a; --quote: #f4f5f7;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #101317; --card: #191e24; --ink: #e8ebef; --soft: #a3adb8; --line: #38414b;
    --blue: #8ec1f5; --green: #7fd3a0; --red: #ff9d95; --quote: #222830;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 1rem/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
header, main, footer { max-width: 40rem; margin: 0 auto; padding: 0 1.25rem; }
header { padding-top: 1.25rem; padding-bottom: .75rem; font-weight: 650; color: var(--soft); }
main { background: var(--card); border: 1px solid var(--line); border-radius: .75rem; padding-top: 1.5rem; padding-bottom: 1.5rem; }
footer { padding-top: .75rem; padding-bottom: 2rem; font-size: .875rem; color: var(--soft); }
h1 { margin: 0 0 1rem; font-size: 1.5rem; line-height: 1.25; text-wrap: pretty; }
h2 { margin: 1.75rem 0 .5rem; font-size: 1.0625rem; }
p { margin: .5rem 0; }
code { font-size: .9375em; }
blockquote { margin: 0; padding: .5rem .75rem; background: var(--quote); border-left: 3px solid var(--line); border-radius: .25rem; }
dl { margin: 0; }
dt { margin-top: .75rem; font-size: .875rem; color: var(--soft); }
dd { margin: 0; }
dd p, blockquote p { margin: 0; min-height: 1.5em; }
.status { padding: .75rem 1rem; border: 1px solid var(--line); border-left: 4px solid var(--soft); border-radius: .5rem; margin: 0 0 1rem; }
.status strong { display: block; }
.status p { margin: .25rem 0 0; }
.waiting { border-left-color: var(--blue); } .waiting strong { color: var(--blue); }
.good { border-left-color: var(--green); } .good strong { color: var(--green); }
.bad { border-left-color: var(--red); } .bad strong { color: var(--red); }
label { display: block; margin-top: 1.25rem; font-weight: 600; }
.after { margin: 1rem 0 0; }
.hint { margin: 0 0 .5rem; }
.hint, .after { font-size: .875rem; color: var(--soft); }
textarea, input { display: block; width: 100%; min-height: 3rem; padding: .625rem .75rem; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--soft); border-radius: .5rem; }
textarea { min-height: 4.5rem; resize: vertical; }
[type=hidden] { display: none; }
.answers { display: flex; flex-wrap: wrap; gap: .75rem; margin-top: 1.25rem; }
button, .action { flex: 1 1 8rem; min-height: 3.25rem; padding: .75rem 1rem; font: inherit; font-weight: 650; line-height: 1.25; text-align: center; border-radius: .5rem; border: 2px solid; cursor: pointer; }
.approve { background: var(--green); border-color: var(--green); color: var(--card); }
.deny { background: var(--card); border-color: var(--red); color: var(--red); }
.action { background: var(--blue); border-color: var(--blue); color: var(--card); text-decoration: none; }
.quiet { flex: none; min-height: 2.75rem; min-width: 2.75rem; padding: 0; border: 0; background: none; color: var(--blue); font-weight: 400; text-decoration: underline; }
footer form { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; column-gap: 1rem; }
details { border-top: 1px solid var(--line); }
dl + details, dl + .hint { margin-top: 1.25rem; }
details + h2 { border-top: 1px solid var(--line); margin-top: 0; padding-top: 1.25rem; }
summary { min-height: 2.75rem; padding: .625rem 0; font-weight: 600; cursor: pointer; }
ul { margin: 0 0 1rem; padding: 0; list-style: none; }
li { padding: .5rem 0 .5rem .75rem; border-left: 3px solid var(--line); }
li + li { margin-top: .25rem; }
li p, li .hint { margin: 0; }
a { color: var(--blue); }
a.again { display: inline-block; min-height: 3rem; padding: .6rem 0; font-weight: 600; }
:focus-visible { outline: 3px solid var(--blue); outline-offset: 2px; }
@media (max-width: 42rem) { main { border-left: 0; border-right: 0; border-radius: 0; } }
`;
