// Puts the token of the link's fragment into the form, and takes it out of the address bar and the history.
'use strict';
{
  const field = document.getElementById('token');
  const keep = 'invitation';
  let token = location.hash.slice(1);
  if (token.startsWith('i_')) sessionStorage.setItem(keep, token);
  else token = sessionStorage.getItem(keep) || '';
  if (field && token) {
    field.value = token;
    document.getElementById('token-field').hidden = true;
    history.replaceState(null, '', location.pathname);
  }
  document.getElementById('invitation').addEventListener('submit', () => {
    if (document.getElementById('password').value.length >= 12) sessionStorage.removeItem(keep);
  });
}
