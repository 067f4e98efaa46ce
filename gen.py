import sqlite3,os,random,time
os.path.exists('l.db') and os.unlink('l.db')
c=sqlite3.connect('l.db');c.execute('pragma page_size=4096');c.execute('pragma journal_mode=wal')
c.execute('create table streams(id integer primary key,name text not null)')
c.execute('create table events(position integer primary key,stream integer,revision integer,event_id blob,type integer,metadata text,payload blob)')
c.executemany('insert into streams values(?,?)',((i,'agendaday-%032x_2026-11-%02d'%(i,i%30)) for i in range(10000)))
m='{"v":1,"occurred_at":"2026-11-23T08:00:00.000000Z","command_id":"'+'0'*36+'","actor":"portal","x":"'+'y'*150+'"}'
c.executemany('insert into events values(?,?,?,?,?,?,?)',((i,i%10000,i//10000,os.urandom(16),i%20,m,os.urandom(120+i%100)) for i in range(1,300001)))
c.commit()
