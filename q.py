import sqlite3,time
c=sqlite3.connect('l.db')
def plain():
    n=0
    a=0
    while a<300000:
        for r in c.execute("SELECT position, revision, event_id, type, metadata, payload,(SELECT name FROM streams WHERE id = stream) FROM events WHERE position > ? ORDER BY position LIMIT ?",(a,10000)): n+=1
        a+=10000
def packed(block):
    a=0
    while a<300000:
        r=c.execute("SELECT CAST(group_concat(f,'') AS BLOB) FROM (SELECT printf('%d %d %d %d %d %d;',position,revision,type,stream,octet_length(metadata),octet_length(payload))||event_id||metadata||payload AS f FROM events WHERE position > ? ORDER BY position LIMIT ?)".replace('octet_length(metadata)','length(cast(metadata as blob))').replace('octet_length','length'),(a,block)).fetchone()
        a+=block
for f in (plain,lambda:packed(500),lambda:packed(100),plain,lambda:packed(500)):
    t=time.time();p=time.process_time();f();print(time.time()-t, time.process_time()-p)
