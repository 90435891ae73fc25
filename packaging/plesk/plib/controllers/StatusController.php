<?php

class StatusController extends Modules_Nsbridge_Controller
{
    public function indexAction()
    {
        $this->show();
    }

    /**
     * Compares the name server with what was delivered.
     */
    public function auditAction()
    {
        $this->needPost();
        $this->view->audit = $this->attempt(static function () {
            return Modules_Nsbridge_Program::ask(['audit']);
        });
        $this->show();
        $this->_helper->viewRenderer->setScriptAction('index');
    }

    public function retryAction()
    {
        $this->change(['queue', 'retry']);
    }

    public function dropAction()
    {
        $this->change(['queue', 'drop']);
    }

    private function change(array $command): void
    {
        $this->needPost();
        $job = $this->text('job');
        // A number: any other text could be an option of the command.
        $document = ctype_digit($job) ? $this->attempt(static function () use ($command, $job) {
            return Modules_Nsbridge_Program::ask(array_merge($command, [$job]));
        }) : null;
        if ($document) {
            $this->report($document);
        }
        $this->_redirect('status/index');
    }

    private function show(): void
    {
        $this->view->token = Modules_Nsbridge_Token::get();
        $this->view->isOurs = $this->attempt([Modules_Nsbridge_Slot::class, 'isOurs']);
        $this->view->state = $this->attempt(static function () {
            return Modules_Nsbridge_Program::look(['status']);
        });
        $this->view->jobs = $this->view->state === null ? null : $this->attempt(static function () {
            return Modules_Nsbridge_Program::look(['queue', 'list']);
        });
    }
}
