// What every staff page does more with a script than without.
