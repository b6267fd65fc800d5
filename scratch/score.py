import sys; sys.path.insert(0,'/work/exp')
from exp import *
from panda.model.weights import load_model
base=yaml.safe_load(open(f'{ROOT}/config.yaml'))['train']['recipes']['strong']
c=load_config('/work/main/config.yaml',preset='laptop',given={'evaluate':{'n_windows':4,'max_trajectories':None,'horizons':[128,256,512]}})
from baselines.parrot import ContextParrot
from baselines.linear_ar import *
from types import SimpleNamespace as S
vw=val_windows(c); print(vw.plan.groupby('population').agg({'name':'nunique','system':'nunique','window':'size'}))
m=load_model('/work/traj/trained/panda_analogue')
fc=PandaForecaster(m,name='x',batch_size=64,standardise_eps=1e-10,threads=1,device='cpu')
out={'analogue':run(fc,vw,c)}
for w in (16,24):
  for a in (False,True): out[f"parrot{'a' if a else ''}{w}"]=run(ContextParrot(S(window=w),standardise_eps=1e-10,anchored=a),vw,c)
par=out['parrot16']
for k,v in out.items(): print(f"{k:10s} {short(table(v))} | {near(v,par)}"); v.to_parquet(f'/work/exp/final_{k}.parquet')
# paired bootstrap over names
rng=np.random.default_rng(0)
for rival in ('parrot16','parrota16','parrot24','parrota24'):
  for pop in ('founder','skew'):
    for h in (128,512):
      row=[]
      for m_ in ('smape','mae','vpt'):
        a=out['analogue'].query('population==@pop and h==@h').groupby('name')[m_].mean(); b=out[rival].query('population==@pop and h==@h').groupby('name')[m_].mean()
        d=(a-b).dropna().to_numpy(); bs=[rng.choice(d,len(d)).mean() for _ in range(2000)]
        row.append(f"{m_} {d.mean():+.3f} [{np.quantile(bs,.025):+.3f},{np.quantile(bs,.975):+.3f}]")
      print(rival,pop,h,*row)
