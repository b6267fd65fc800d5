"""exp.py NAME 'yaml of definition' 'yaml of recipe changes' n_steps batch [seed]"""
import sys, time, glob, yaml, json, os
import numpy as np, pandas as pd, torch
from pathlib import Path
from panda.config.load import load_config
from panda.data.store import TrajectoryStore
from panda.data.windows import TrainingWindows
from panda.training.loop import train, Saving, window_length
from panda.training.hardware import Machine
from panda.evaluation.windows import draw_windows
from panda.evaluation.score import pointwise
from panda.evaluation.panda_forecaster import PandaForecaster
ROOT='/work/exp/code'
def config(defn, recipe, extra=()):
    given={'train.definitions.x':defn,'train.recipes.r':recipe}
    c=load_config(f'{ROOT}/config.yaml',preset='laptop',given={'train':{'definitions':{'x':defn},'recipes':{'r':recipe}},'evaluate':{'n_windows':2,'max_trajectories':None,'horizons':[128,256,512]}})
    return c
def val_windows(c):
    fs=sorted(glob.glob('/work/traj/validation/*.arrow'))[:int(os.environ.get('NVAL','100'))]
    st=TrajectoryStore.open(fs)
    t=st.table
    keep=np.zeros(len(t),bool)
    f=np.flatnonzero(t.population=='founder'); keep[f]=True
    s=t[t.population!='founder']
    # one per name
    keep[s.groupby('name').head(1).index]=True
    return draw_windows(st.subset(keep),c.evaluate,seed=c.seed)
def run(fc,w,c):
    rows=[]
    for b in w.batches(128):
        f=fc.forecast(b.context,512)
        p=pointwise(f,b.context,b.truth,c.evaluate)
        rate=(b.rows.dt*b.rows.largest_exponent).to_numpy()
        for i,h in enumerate((128,256,512)):
            rows.append(pd.DataFrame({'name':b.rows.name,'system':b.rows.system,'window':b.rows.window,'population':b.rows.population,'h':h,'smape':p['smape'][:,i],'mae':p['mae'][:,i],'vpt':p['valid_steps'][:,i]*rate}))
    return pd.concat(rows,ignore_index=True)
def table(d):
    g=d.groupby(['population','h','name'])[['smape','mae','vpt']].mean().groupby(['population','h']).mean()
    return g
def short(g):
    out=[]
    for pop in ('founder','skew'):
        for h in (128,512):
            r=g.loc[(pop,h)]; out.append(f"{pop[:1]}{h} {r.smape:.1f}/{r.mae:.3f}/{r.vpt:.3f}")
    return ' | '.join(out)
def near(d,par):
    # near-periodic names: parroting smape128 < 40
    p=par[par.h==128].groupby('name').smape.mean(); names=p[p<40].index
    return f"near({len(names)}) {d[(d.h==128)&d.name.isin(names)].groupby('name').smape.mean().mean():.1f} vs {p[names].mean():.1f}"
if __name__=='__main__':
    name,defn,rec,n_steps,batch=sys.argv[1:6]; seed=int(sys.argv[6]) if len(sys.argv)>6 else 1
    base=yaml.safe_load(open(f'{ROOT}/config.yaml'))['train']['recipes']['strong']; base.update(yaml.safe_load(rec) or {})
    d={'embedding':'dynamics','head':'forecast','encoder_from':None,'n_steps':int(n_steps),'recipe':'r'}; d.update(yaml.safe_load(defn) or {})
    fp=d.pop('founder_probability',0.5)
    c=config(d,base)
    shape=c.train.model_shape('x')
    st=TrajectoryStore.open(sorted(glob.glob('/work/traj/train/*.arrow'))[:int(os.environ.get('NTRAIN','20'))])
    w=TrainingWindows(st,c.train.data,window_length=window_length(shape),batch_size=int(batch),founder_probability=fp,seed=seed)
    t0=time.process_time(); wall=time.time()
    model,log=train(shape,c.train.recipes['r'],w,encoder=None,n_steps=int(n_steps),seed=seed,machine=Machine('cpu',1,'auto',True),saving=Saving(f'/work/exp/state/{name}','f',100000,200))
    cpu=time.process_time()-t0; wall=time.time()-wall
    from panda.model.panda import count_parameters
    fc=PandaForecaster(model,name='x',batch_size=64,standardise_eps=c.evaluate.standardise_eps,threads=1,device='cpu')
    vw=val_windows(c); sc=run(fc,vw,c); sc.to_parquet(f'/work/exp/{name}.parquet')
    par=pd.read_parquet('/work/exp/parrot16.parquet') if os.path.exists('/work/exp/parrot16.parquet') else sc
    rate=log.samples_per_s.median()
    line=f"{name:28s} n={int(n_steps)*int(batch)/1e3:.0f}k P={count_parameters(model).total/1e6:.2f}M cpu={cpu:.0f} rate={rate:.0f} | {short(table(sc))} | {near(sc,par)} loss {log.loss.iloc[-1]:.4f}"
    print(line); open('/work/exp/log.txt','a').write(line+'\n')
