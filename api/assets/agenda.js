// The agenda with a script: arrows move in the grid, cards are dragged, and what others change shows by itself.
'use strict';
{
  const said = document.getElementById('said');
  const words = document.getElementById('words').dataset;
  const board = () => document.getElementById('board');
  const links = (column) => [...column.querySelectorAll('.slip > a')];
  const row = (link) => Number(/\br(\d+)\b/.exec(link.parentElement.className)[1]);

  // One tab stop; the arrows move it.
  let stop = null;
  const arrange = () => {
    const grid = document.getElementById('grid');
    if (!grid) return;
    const all = [...grid.querySelectorAll('.slip > a')];
    for (const link of all) link.tabIndex = -1;
    const kept = stop && document.getElementById(stop)?.querySelector('a');
    const first = kept || all[0];
    if (first) first.tabIndex = 0;
  };
  const focus = (link) => {
    if (!link) return;
    for (const other of document.querySelectorAll('#grid .slip > a[tabindex="0"]')) other.tabIndex = -1;
    link.tabIndex = 0;
    stop = link.parentElement.id;
    link.focus();
  };
  document.addEventListener('keydown', (event) => {
    const link = event.target.closest?.('#grid .slip > a');
    if (!link || event.ctrlKey || event.metaKey || event.altKey) return;
    const column = link.closest('.column');
    const own = links(column);
    const near = (other) => {
      const all = other ? links(other) : [];
      return all.reduce((best, next) => (!best || Math.abs(row(next) - row(link)) < Math.abs(row(best) - row(link)) ? next : best), null);
    };
    const beside = (step) => {
      let other = column[step];
      while (other && !(other.matches('.column') && links(other).length)) other = other[step];
      return near(other);
    };
    const to = {
      ArrowDown: () => own[own.indexOf(link) + 1], ArrowUp: () => own[own.indexOf(link) - 1],
      ArrowRight: () => beside('nextElementSibling'), ArrowLeft: () => beside('previousElementSibling'),
      Home: () => own[0], End: () => own[own.length - 1],
    }[event.key];
    if (!to) return;
    event.preventDefault();
    focus(to());
  });
  document.addEventListener('focusin', (event) => {
    const link = event.target.closest?.('#grid .slip > a');
    if (link && link.tabIndex !== 0) focus(link);
  });

  // A card that is dropped on a free time opens the page that asks about the move.
  let dragged = null;
  const arm = () => {
    for (const link of document.querySelectorAll('a[data-move]')) link.draggable = true;
    for (const link of document.querySelectorAll('#grid .slip > a:not([data-move])')) link.draggable = false;
  };
  const target = (event) => event.target.closest?.('.slip > a[data-target]');
  document.addEventListener('dragstart', (event) => {
    dragged = event.target.closest?.('a[data-move]');
    if (dragged) { event.dataTransfer.effectAllowed = 'move'; dragged.classList.add('dragged'); }
  });
  document.addEventListener('dragend', () => { dragged?.classList.remove('dragged'); dragged = null; });
  document.addEventListener('dragover', (event) => {
    const on = dragged && target(event);
    for (const other of document.querySelectorAll('.drop')) if (other !== on?.parentElement) other.classList.remove('drop');
    if (on) { event.preventDefault(); on.parentElement.classList.add('drop'); }
  });
  document.addEventListener('drop', (event) => {
    const on = dragged && target(event);
    if (!on) return;
    event.preventDefault();
    location.href = `${dragged.dataset.move}?${on.dataset.target}`;
  });

  // Live: the stream says that something happened on these days, and the board alone is fetched anew. It comes as a
  // document, so that no text is ever made into HTML here.
  const text = (element) => (element.querySelector('a') || element).textContent.replace(/\s+/g, ' ').trim();
  const show = (fresh) => {
    const old = board();
    const before = new Map([...old.querySelectorAll('[data-mark]')].map((e) => [e.id, e.dataset.mark]));
    const focused = document.activeElement?.closest?.('#board [id]')?.id;
    const scroller = old.querySelector('.scroller');
    const at = scroller && [scroller.scrollTop, scroller.scrollLeft];
    old.replaceWith(document.adoptNode(fresh));
    if (at) board().querySelector('.scroller')?.scrollTo(at[1], at[0]);
    const changed = [...board().querySelectorAll('[data-mark]')].filter((e) => before.get(e.id) !== e.dataset.mark);
    for (const element of changed) {
      element.classList.add('changed');
      setTimeout(() => element.classList.remove('changed'), 6000);
    }
    arrange(); arm();
    if (focused) document.getElementById(focused)?.querySelector('a')?.focus();
    if (changed.length) said.textContent = words.changed.replace('…', changed.slice(0, 3).map(text).join('; '));
  };
  let waiting = false, again = null;
  const fetchBoard = (position) => {
    if (waiting) { again = position; return; }
    waiting = true;
    const address = new URL(location.href);
    address.searchParams.delete('done');
    address.searchParams.set('after', position);
    const request = new XMLHttpRequest();
    request.open('GET', address);
    request.setRequestHeader('x-part', 'board');
    request.responseType = 'document';
    request.onloadend = () => {
      waiting = false;
      const fresh = request.status === 200 && request.response?.getElementById('board');
      if (fresh) show(fresh); else said.textContent = words.lost;
      if (again !== null) { const next = again; again = null; fetchBoard(next); }
    };
    request.send();
  };
  const listen = () => {
    const days = board().dataset;
    const stream = new EventSource(`/staff/live?after=${days.after}&from=${days.from}&to=${days.to}`);
    stream.addEventListener('changed', (event) => fetchBoard(event.lastEventId));
    stream.onopen = () => document.body.classList.add('live');
    stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) said.textContent = words.lost; };
    addEventListener('pagehide', () => stream.close());
  };
  arrange(); arm(); listen();
}
