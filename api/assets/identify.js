// j and k go from one to the next, Enter attaches the nearest record. Without it the same is done by Tab and Enter.
'use strict';
{
  const cases = [...document.querySelectorAll('.case')];
  let at = -1;
  const move = (step) => {
    if (!cases.length) return;
    at = Math.min(Math.max(at + step, 0), cases.length - 1);
    cases[at].focus();
    cases[at].scrollIntoView({ block: 'nearest' });
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest('input, select, textarea')) return;
    if (event.key === 'j') { event.preventDefault(); move(1); }
    if (event.key === 'k') { event.preventDefault(); move(-1); }
    // Enter on the case itself; on a link or a button it does what that says.
    if (event.key === 'Enter' && event.target.matches('.case')) {
      event.preventDefault();
      event.target.querySelector('button.attach')?.focus();
    }
  });
}
