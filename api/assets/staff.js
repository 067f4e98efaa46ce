// What every staff page does more with a script than without: keys, printing. The pages are complete without it.
'use strict';
{
  const go = (id) => { const link = document.getElementById(id); if (link) { link.click(); return true; } return false; };
  const typing = (target) => target.closest('input, select, textarea, [contenteditable], dialog[open]');
  const keys = {
    '/': () => { const field = document.getElementById('search'); if (field) field.focus(); else if (document.getElementById('nav-patients')) location.href = '/staff/patients'; },
    t: () => { if (!go('today')) location.href = '/staff/agenda'; },
    n: () => { go('new'); },
    1: () => { go('view-day'); }, 2: () => { go('view-week'); }, 3: () => { go('view-list'); },
    '?': () => { document.getElementById('keys')?.showModal(); },
  };
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    const act = keys[event.key];
    if (act) { event.preventDefault(); act(); }
  });
  const print = document.getElementById('print');
  if (print) { print.hidden = false; print.addEventListener('click', () => window.print()); }
  const help = document.getElementById('help');
  if (help) { help.hidden = false; help.addEventListener('click', keys['?']); }
}
