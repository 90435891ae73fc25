<?php

class ZonesController extends Modules_Nsbridge_Controller
{
    /** More rows make no page that anybody reads. */
    private const ROWS_MAX = 200;

    public function indexAction()
    {
        $this->show();
    }

    /**
     * Shows what a synchronization of a zone would change.
     */
    public function dryRunAction()
    {
        $this->needPost();
        $this->view->trial = $this->attempt(function () {
            return $this->send(['plesk', '--dry-run']);
        });
        $this->show();
        $this->_helper->viewRenderer->setScriptAction('index');
    }

    public function syncAction()
    {
        $this->needPost();
        $document = $this->attempt(function () {
            return $this->send(['plesk']);
        });
        if ($document) {
            $this->report($document);
        }
        $this->_redirect('zones/index');
    }

    public function syncAllAction()
    {
        $this->needPost();
        $this->attempt(static function () {
            (new pm_LongTask_Manager())->start(new Modules_Nsbridge_Task_SyncAll());
        });
        $this->_redirect('zones/index');
    }

    public function chooseAction()
    {
        $this->needPost();
        $this->attempt(function () {
            $zone = $this->zone();
            Modules_Nsbridge_Choice::change($zone, $this->text('chosen') === 'yes');
        });
        $this->_redirect('zones/index');
    }

    private function send(array $command): array
    {
        $update = Modules_Nsbridge_Zones::update($this->zone());
        return Modules_Nsbridge_Program::ask($command, json_encode([$update], JSON_INVALID_UTF8_SUBSTITUTE));
    }

    /**
     * Returns the zone of the request, if the panel has it.
     */
    private function zone(): string
    {
        $zone = $this->text('zone');
        if (!in_array($zone, Modules_Nsbridge_Zones::names(), true)) {
            throw new pm_Exception($this->lmsg('zoneOfNoDomain', ['zone' => $zone]));
        }
        return $zone;
    }

    private function show(): void
    {
        $this->view->token = Modules_Nsbridge_Token::get();
        $this->view->search = $this->text('search');
        $settings = $this->attempt([Modules_Nsbridge_Configuration::class, 'read']);
        $isChosen = $settings && $settings['domains'] === Modules_Nsbridge_Choice::CHOSEN;
        $this->view->chosen = $isChosen ? $settings['chosen'] : null;
        $names = $settings ? Modules_Nsbridge_Zones::names() : [];
        $found = array_filter($names, function ($name) {
            return $this->view->search === '' || strpos($name, $this->view->search) !== false;
        });
        $this->view->zones = array_slice($found, 0, self::ROWS_MAX);
        $this->view->left = count($found) - count($this->view->zones);
        $this->view->tasks = (new pm_LongTask_Manager())->getTasks([Modules_Nsbridge_Task_SyncAll::ID]);
    }
}
